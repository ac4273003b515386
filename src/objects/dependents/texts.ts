/** A statement without what PostgreSQL prints at the end of some. */
export function withoutSemicolon(definition: string): string {
  return definition.trim().replace(/;$/, '');
}

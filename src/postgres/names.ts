/** SQL for a name as `quoteIdent` writes it: always in quotes, so that texts can be compared. */
export function sqlQuoted(name: string): string {
  return `'"' || pg_catalog.replace(${name}, '"', '""') || '"'`;
}

/** SQL for a relation's qualified name as `quoteQualified` writes it; of its namespace's and its own alias. */
export function sqlQualified(namespace: string, relation: string): string {
  return `${sqlQuoted(`${namespace}.nspname`)} || '.' || ${sqlQuoted(`${relation}.relname`)}`;
}

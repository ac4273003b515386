/** `emailAddress` as `email_address`. */
export function camelToSnake(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

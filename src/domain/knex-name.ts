/** What files of migrations may end in: those that knex loads, and what others are compiled to. */
const EXTENSION = /\.(?:js|cjs|mjs|ts|cts|mts|co|coffee|eg|iced|litcoffee|ls|sql)$/;

/**
 * The id of a migration that knex calls by a name: without its extension, since what was compiled has another one, and without the folders that a source
 * of one's own may put in front.
 */
export function idOfKnexName(name: string): string {
  return name.replace(EXTENSION, '').replaceAll(/[/\\]/g, '__');
}

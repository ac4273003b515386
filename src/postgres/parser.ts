/*
 * PostgreSQL's own parser, compiled to WebAssembly: loaded by the first text that it is asked for, since most commands ask for none.
 */
type Parser = typeof import('libpg-query');

const parser = (): Promise<Parser> => import('libpg-query');

export const parse = async (...args: Parameters<Parser['parse']>): ReturnType<Parser['parse']> =>
  (await parser()).parse(...args);

export const scan = async (...args: Parameters<Parser['scan']>): ReturnType<Parser['scan']> =>
  (await parser()).scan(...args);

export const parsePlPgSQL = async (...args: Parameters<Parser['parsePlPgSQL']>): ReturnType<Parser['parsePlPgSQL']> =>
  (await parser()).parsePlPgSQL(...args);

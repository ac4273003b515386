import type { Body } from './bodies.ts';
import { plpgsqlBody } from './plpgsql.ts';
import { textsIn, treesOf } from './sql-trees.ts';

/**
 * Takes a function's body apart.
 * @param definition as pg_get_functiondef prints it.
 * @returns null where it cannot be: another language, or something that these parsers do not know.
 */
export async function bodyOf(definition: string, source: string, language: string): Promise<Body | null> {
  try {
    if (language === 'sql') return await sqlBody(source);
    return language === 'plpgsql' ? await plpgsqlBody(definition) : null;
  } catch {
    return null;
  }
}

async function sqlBody(source: string): Promise<Body> {
  const trees = await treesOf(source);
  return {
    statements: trees.map((tree, at) => ({ tree, returned: at === trees.length - 1, variables: 0, record: null })),
    fields: [],
    assignedFields: [],
    takenTypes: [],
    variables: new Map(),
    aliases: new Map(),
    returnedVariables: [],
    texts: textsIn(trees),
    statementsInTexts: [],
  };
}

import type { Schema } from './facts.ts';
import { differencesOf } from './fingerprint.ts';
import type { Statement } from './statement.ts';
import { statementsBetween } from './statements.ts';

/** One way in which a schema is not the wanted one. */
export interface Difference {
  /** Such as `table public.users`. */
  readonly object: string;
  readonly kind: 'missing' | 'unexpected' | 'changed';
  /** What brings it to the wanted schema; null where we know no statement for it. */
  readonly statement: string | null;
}

const KINDS = { create: 'missing', drop: 'unexpected', alter: 'changed' } as const;

/**
 * How a schema differs from the wanted one, in the order in which the statements run.
 * @param onOneServer both are on servers of one version, so that all that PostgreSQL tells of them can be compared, too.
 */
export async function compareSchemas(found: Schema, wanted: Schema, onOneServer: boolean): Promise<Difference[]> {
  const statements = await statementsBetween(found, wanted);
  const made = new Set(statements.filter(({ verb }) => verb === 'create').map(({ object }) => object));
  const dropped = new Set(statements.filter(({ verb }) => verb === 'drop').map(({ object }) => object));
  const differences = statements.map(({ sql, object, verb }): Difference => {
    // What is dropped and made anew is another one.
    const kind = made.has(object) && dropped.has(object) ? 'changed' : KINDS[verb];
    return { object, kind, statement: sql };
  });
  if (!onOneServer) return differences;
  const isSaid = saidBy(statements);
  const lines = differencesOf(found.fingerprint, wanted.fingerprint).filter((line) => !isSaid(line));
  return [
    ...differences,
    ...lines.map((line) => ({
      object: line.slice(2).split(' | ').slice(0, 3).join(' '),
      kind: line.startsWith('+') ? ('unexpected' as const) : ('missing' as const),
      statement: null,
    })),
  ];
}

/** What a statement is about has lines, too, and so has what hangs on it: these say the same once more. */
function saidBy(statements: readonly Statement[]): (line: string) => boolean {
  const texts = statements.map(({ sql, object }) => unquoted(`${object} ${sql}`));
  const names = statements.flatMap(({ object }) => {
    const [, kind, name = ''] = /^(.*) (\S+)$/.exec(unquoted(object)) ?? [];
    if (kind === 'schema') return [`${name}.`, `schema | ${name}`];
    return name.includes('.') ? [name] : [];
  });
  return (line) => {
    const text = unquoted(line);
    const [, name = ''] = text.split(' | ');
    return names.some((one) => text.includes(one)) || texts.some((one) => one.includes(name));
  };
}

const unquoted = (text: string): string => text.replaceAll('"', '');

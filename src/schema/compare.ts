import type { Schema } from './facts.ts';
import { differencesOf } from './fingerprint.ts';
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
  // What a statement is about has lines, too, which say the same once more.
  const said = statements.map(({ sql, object }) => unquoted(`${object} ${sql}`));
  const lines = differencesOf(found.fingerprint, wanted.fingerprint).filter((line) => {
    const [, name = ''] = line.slice(2).split(' | ');
    return !said.some((text) => text.includes(unquoted(name)));
  });
  return [
    ...differences,
    ...lines.map((line) => ({
      object: line.slice(2).split(' | ').slice(0, 3).join(' '),
      kind: line.startsWith('+') ? ('unexpected' as const) : ('missing' as const),
      statement: null,
    })),
  ];
}

const unquoted = (text: string): string => text.replaceAll('"', '');

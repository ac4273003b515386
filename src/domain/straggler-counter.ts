import { quoteIdent, quoteLiteral, quoteQualified } from './identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from './ledger-schema.ts';
import type { StragglerSequences } from './rename.ts';

/** SQL of what the sync counts writes to the old column with. */
export interface StragglerCounter {
  /** The statement of plpgsql that counts one. */
  readonly count: string;
  /** Statements that make it, where it is not there yet. */
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

/**
 * Two sequences in the schema of the ledger, so that nothing is locked and writes that are rolled back count, too, and the one function that
 * changes them. The sync runs as whoever writes the table; this function runs as its owner, takes nothing and can do nothing but count.
 */
export function stragglerCounter({
  count,
  last,
  schema = DEFAULT_LEDGER_SCHEMA,
}: StragglerSequences): StragglerCounter {
  const named = (name: string): string => quoteQualified({ schema, name });
  const sequence = (name: string): string => `${quoteLiteral(named(name))}::pg_catalog.regclass`;
  const counting = `${named(count)}()`;
  const body = [
    'BEGIN',
    `  PERFORM pg_catalog.nextval(${sequence(count)});`,
    `  PERFORM pg_catalog.setval(${sequence(last)}, (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint);`,
    'END',
  ].join('\n');
  return {
    count: `PERFORM ${counting};`,
    create: [
      ...[count, last].map((name) => `CREATE SEQUENCE IF NOT EXISTS ${named(name)}`),
      `CREATE OR REPLACE FUNCTION ${counting} RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${quoteLiteral(body)}`,
      `GRANT EXECUTE ON FUNCTION ${counting} TO PUBLIC`,
      `GRANT USAGE ON SCHEMA ${quoteIdent(schema)} TO PUBLIC`,
    ],
    drop: [
      `DROP FUNCTION IF EXISTS ${counting}`,
      ...[count, last].map((name) => `DROP SEQUENCE IF EXISTS ${named(name)}`),
    ],
  };
}

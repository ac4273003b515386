import type { Knex } from 'knex';
import { quoteQualified } from '../../domain/identifier.ts';
import { type Rename, syncTriggers } from '../../domain/rename.ts';
import { readPairs } from '../../gates/pair-record.ts';
import { triggerChildren } from '../../operations/children.ts';
import { connectionOf } from '../../postgres/knex.ts';

/** A table that inherits a column which is being renamed, and got the sync's triggers. */
export interface CoveredChild {
  readonly rename: string;
  readonly child: string;
}

/** Children that have come to the tables of renames under way get the triggers of their sync, which PostgreSQL hands down to partitions only. */
export async function coverChildren(
  trx: Knex.Transaction,
  renames: ReadonlyMap<string, Rename>,
): Promise<CoveredChild[]> {
  const covered: CoveredChild[] = [];
  for (const { rename: name, phase } of await readPairs(await connectionOf(trx))) {
    const rename = renames.get(name);
    if (rename === undefined) continue;
    const children = await triggerChildren(trx, quoteQualified(rename.table), syncTriggers(rename.sync, phase));
    covered.push(...children.map((child) => ({ rename: name, child })));
  }
  return covered;
}

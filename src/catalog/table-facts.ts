import type { TableFacts, UnsupportedObject } from '../domain/facts.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { printQualified } from '../postgres/session.ts';
import { inRolledBackTransaction } from '../postgres/transaction.ts';
import { listColumns, readColumn } from './column.ts';
import { type FoundConstraint, readChecks, readForeignKeys } from './constraints.ts';
import { readOtherDependents, readShape } from './dependents.ts';
import type { ListedTable } from './find-table.ts';
import { type FoundIndex, readIndexes } from './indexes.ts';
import { makeScratch, renameInScratch } from './scratch.ts';
import { type FoundStatistics, readStatistics } from './statistics.ts';
import { copyTriggers, type FoundTrigger, readTriggers } from './triggers.ts';

/**
 * Everything that a rename has to know of a table, for a column and its new name. Reads only: what it creates to let
 * PostgreSQL rewrite definitions is rolled back.
 * @throws PH1008 when the column does not exist.
 */
export function readTableFacts(db: Queryable, table: ListedTable, from: string, to: string): Promise<TableFacts> {
  return inRolledBackTransaction(db, async () => {
    await printQualified(db);
    const column = await readColumn(db, table.oid, table, from);
    const shape = await readShape(db, table.oid, column.number, quoteQualified(table));
    const others = await readOtherDependents(db, table.oid, column.number);
    const hanging = await readHanging(db, table, { number: column.number, from, to });
    return {
      table: { schema: table.schema, name: table.name },
      serverVersion: (
        await one<{ version: number }>(db, `SELECT current_setting('server_version_num')::int AS version`)
      ).version,
      pages: shape.pages,
      rows: shape.rows,
      columns: await listColumns(db, table.oid),
      column,
      indexes: hanging.indexes.filter(({ constraint }) => constraint === null).map(({ facts }) => facts),
      uniques: hanging.indexes.filter(({ constraint }) => constraint === 'u').map(({ facts }) => facts),
      checks: hanging.checks.map(({ facts }) => facts),
      foreignKeys: hanging.foreignKeys.map(({ facts }) => facts),
      statistics: hanging.statistics.map(({ facts }) => facts),
      triggers: hanging.triggers.map(({ facts }) => facts),
      takenNames: await takenNames(db, table),
      published: shape.published,
      unsupported: [...shape.unsupported, ...unsupportedHanging(hanging), ...others],
    };
  });
}

interface Hanging {
  readonly indexes: readonly FoundIndex[];
  readonly checks: readonly FoundConstraint[];
  readonly foreignKeys: readonly FoundConstraint[];
  readonly statistics: readonly FoundStatistics[];
  readonly triggers: readonly FoundTrigger[];
}

async function readHanging(
  db: Queryable,
  table: ListedTable,
  column: { number: number; from: string; to: string },
): Promise<Hanging> {
  const scratch = await makeScratch(db, table);
  await copyTriggers(db, table.oid, column, scratch);
  await renameInScratch(db, scratch, column.from, column.to);
  return {
    indexes: await readIndexes(db, table.oid, column.number, scratch),
    checks: await readChecks(db, table.oid, column.number, scratch),
    foreignKeys: await readForeignKeys(db, table.oid, column.number, column.to),
    statistics: await readStatistics(db, table.oid, column.number, scratch),
    triggers: await readTriggers(db, table.oid, column, scratch),
  };
}

const OTHERWISE = 'Rename the column in a maintenance window, or change the object so that it does not need it.';

function unsupportedHanging({ indexes, checks, foreignKeys, statistics, triggers }: Hanging): UnsupportedObject[] {
  const refuse = (object: string, reason: string): UnsupportedObject => ({ object, reason, instead: OTHERWISE });
  return [
    ...indexes.flatMap(({ facts, constraint, valid, understood }) => {
      const name = quoteIdent(facts.name);
      return [
        ...(constraint === 'p' ? [refuse(`primary key ${name}`, 'primary keys cannot be carried over yet')] : []),
        ...(constraint === 'x'
          ? [refuse(`exclusion constraint ${name}`, 'PostgreSQL can only build it under an exclusive lock')]
          : []),
        ...(valid ? [] : [refuse(`index ${name}`, 'it is invalid: drop or rebuild it first')]),
        ...(understood ? [] : [refuse(`index ${name}`, 'its definition was not understood')]),
      ];
    }),
    ...[...checks, ...foreignKeys].flatMap(({ facts, understood }) => [
      ...(understood ? [] : [refuse(`constraint ${quoteIdent(facts.name)}`, 'its definition was not understood')]),
      ...(facts.validated
        ? []
        : [refuse(`constraint ${quoteIdent(facts.name)}`, 'it is NOT VALID: validate it first')]),
    ]),
    ...statistics.flatMap(({ facts, inSchema, understood }) => {
      const object = `statistics object ${quoteIdent(facts.name)}`;
      if (!inSchema) return [refuse(object, 'it is in another schema than the table')];
      return understood ? [] : [refuse(object, 'its definition was not understood')];
    }),
    ...triggers.flatMap(({ facts, understood }) =>
      understood ? [] : [refuse(`trigger ${quoteIdent(facts.name)}`, 'its definition was not understood')],
    ),
  ];
}

/** Names that twins and functions must not take: relations and functions of the schema, constraints of the table. */
async function takenNames(db: Queryable, table: ListedTable): Promise<string[]> {
  const rows = await all<{ name: string }>(
    db,
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $2
     UNION SELECT conname FROM pg_constraint WHERE conrelid = $1::oid
     UNION SELECT s.stxname FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE n.nspname = $2
     UNION SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $2`,
    [table.oid, table.schema],
  );
  return rows.map(({ name }) => name).sort();
}

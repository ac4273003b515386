import type { StatisticsFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import type { TwinnedObject } from '../../domain/rename.ts';
import { sqlQualified, sqlQuoted } from '../../postgres/names.ts';
import { all, type Queryable } from '../../postgres/queryable.ts';
import { type Code, execute } from '../code.ts';
import { type NamedObject, namedBy, ON_COLUMN } from '../hanging.ts';
import type { TwinnedKind } from '../kind.ts';
import { notUnderstood } from '../refusal.ts';
import type { Renaming } from '../renaming.ts';
import { statisticsOn } from './read.ts';

/** Extended statistics over the column. Their names count in a schema of their own. */
export const statistics: TwinnedKind<'statistics', StatisticsFacts> = {
  name: 'statistics',
  carried: 'twin',
  noun: 'statistics object',
  heading: 'statistics',
  place: 'schema',
  family: 'statistics',
  goes: 'with the column',
  ownTables: 'SELECT stxrelid::int8::text FROM pg_statistic_ext WHERE stxrelid = ANY ($1::oid[])',

  async read(sources) {
    const found = await statisticsOn(sources);
    return {
      objects: found.map(({ facts }) => facts),
      refused: found
        .filter(({ understood }) => !understood)
        .map(({ facts }) => notUnderstood(`statistics object ${quoteIdent(facts.name)}`)),
    };
  },
  hanging: async ({ db, table, column }) =>
    (await all<NamedObject>(db, HANGING, [table, column])).map(namedBy(statistics)),
  placeOf: ({ schema }) => quoteIdent(schema),

  finalText: ({ definition }) => definition,
  steps: {
    constrain: {
      up: (renaming, object) => create(object, renaming.twinOf(statistics, object), object.definition),
      down: (renaming, object) => [dropTwin(renaming, object)],
    },
    contract: { restore: (_renaming, object) => create(object, object.name, object.original) },
  },

  missing: async (presence, { name, twin }, on) =>
    !(await presence.has('statistics', on, name)) || (await presence.has('statistics', on, twin))
      ? []
      : [`statistics ${quoteIdent(twin)}`],
  tableOf,
  isThere: async (db, on, name) => (await schemasWith(db, on, name)).length > 0,
  restoring: async (_db, on, { name, twin }) => [renamed(on, twin, name)],
  settingAside: async (_db, on, { name, twin }) => [renamed(on, name, twin)],
  dropping: async (_db, on, name) => [`DROP STATISTICS ${on}.${quoteIdent(name)}`],
  isSame: (original, twin) => original.definition === twin.original,
  renewed: 'at gates',
};

const HANGING = `${ON_COLUMN}
  SELECT s.stxname AS name, ${sqlQuoted('n.nspname')} AS on
  FROM pg_statistic_ext s JOIN columns ON columns.attrelid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
  WHERE EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.stxrelid AND d.refobjsubid = columns.attnum)
  ORDER BY 2, 1`;

function create({ schema, on, target, comment }: StatisticsFacts, name: string, definition: string): Code[] {
  const qualified = quoteQualified({ schema, name });
  return [
    `CREATE STATISTICS IF NOT EXISTS ${qualified}${definition} FROM ${quoteQualified(on)}`,
    ...(target === null ? [] : [`ALTER STATISTICS ${qualified} SET STATISTICS ${target}`]),
    ...(comment === null ? [] : [`COMMENT ON STATISTICS ${qualified} IS ${quoteLiteral(comment)}`]),
  ].map(execute);
}

function dropTwin(renaming: Renaming, object: StatisticsFacts): Code {
  const twin = quoteQualified({ schema: object.schema, name: renaming.twinOf(statistics, object) });
  return execute(`DROP STATISTICS IF EXISTS ${twin}`);
}

function renamed(schema: string, name: string, to: string): string {
  return `ALTER STATISTICS ${schema}.${quoteIdent(name)} RENAME TO ${quoteIdent(to)}`;
}

async function tableOf(db: Queryable, { on = '', name }: TwinnedObject): Promise<string | undefined> {
  const rows = await all<{ on: string }>(
    db,
    `SELECT ${sqlQualified('tn', 't')} AS on
     FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_class t ON t.oid = s.stxrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     WHERE n.nspname = ANY ($1) AND s.stxname = $2`,
    [[on, on.slice(1, -1).replaceAll('""', '"')], name],
  );
  return rows[0]?.on;
}

function schemasWith(db: Queryable, schema: string, name: string): Promise<unknown[]> {
  return all(
    db,
    `SELECT FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE quote_ident(n.nspname) = ANY ($1) AND s.stxname = $2`,
    [[schema, schema.slice(1, -1)], name],
  );
}

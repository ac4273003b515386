import type { FactBase, StableId } from '@supabase/pg-delta';
import { quoteIdent, quoteQualified, shortHash } from '../domain/identifier.ts';
import { callsVolatile } from '../domain/volatile-functions.ts';
import { CREATE_INDEX, isPartitioned, isView, type SafeStep } from './safe-step.ts';
import type { Statement } from './statement.ts';

type OnTable = Extract<StableId, { schema: string; table: string }>;

/** One statement in the form that does not block, as migrations of their own; null for one that has no other form. */
export function specialSteps(statement: Statement, from: FactBase): SafeStep[] | null {
  const { subject, verb, sql } = statement;
  if (subject?.kind === 'index') return indexStep(statement, subject, from);
  if (subject?.kind === 'constraint' && verb === 'create')
    return constraintSteps(statement, subject as OnTable & { name: string }, from);
  if (subject?.kind === 'column' && / SET NOT NULL$/.test(sql))
    return notNullSteps(subject as OnTable & { name: string });
  if (subject?.kind === 'column' && verb === 'create')
    return columnSteps(statement, subject as OnTable & { name: string });
  return null;
}

function indexStep(
  { sql, verb }: Statement,
  { schema, name }: { schema: string; name: string },
  from: FactBase,
): SafeStep[] | null {
  const qualified = quoteQualified({ schema, name });
  if (verb === 'alter') return null;
  const [, unique, on, definition] = CREATE_INDEX.exec(sql) ?? [];
  if (verb === 'create') {
    if (on === undefined || definition === undefined || isView(on, from)) return null;
    const about = `create_${name}`;
    if (isPartitioned(on, from))
      return [partitionedIndex(about, { on, schema, name, definition, isUnique: unique !== undefined, isDrop: false })];
    const up = `CREATE ${unique ?? ''}INDEX CONCURRENTLY ${quoteIdent(name)} ON ${on} ${definition}`;
    return [{ about, up: [up], down: [`DROP INDEX CONCURRENTLY IF EXISTS ${qualified}`], isAlone: true }];
  }
  const text = String(from.get({ kind: 'index', schema, name })?.payload.def ?? '');
  const [, wasUnique, table, was] = CREATE_INDEX.exec(text) ?? [];
  if (table === undefined || was === undefined || isView(table, from)) return null;
  const about = `drop_${name}`;
  if (isPartitioned(table, from))
    return [
      partitionedIndex(about, {
        on: table,
        schema,
        name,
        definition: was,
        isUnique: wasUnique !== undefined,
        isDrop: true,
      }),
    ];
  const down = `CREATE ${wasUnique ?? ''}INDEX CONCURRENTLY ${quoteIdent(name)} ON ${table} ${was}`;
  return [{ about, up: [`DROP INDEX CONCURRENTLY ${qualified}`], down: [down], isAlone: true }];
}

const partitionedIndex = (about: string, index: NonNullable<SafeStep['index']>): SafeStep => ({
  about,
  up: [],
  down: [],
  isAlone: true,
  index,
});

function constraintSteps(
  { sql }: Statement,
  { schema, table, name }: OnTable & { name: string },
  from: FactBase,
): SafeStep[] | null {
  const on = quoteQualified({ schema, name: table });
  const drop = `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`;
  const isPartition = isPartitioned(on, from);
  if (/ NOT VALID$/.test(sql)) return null;
  if (/ ADD CONSTRAINT .* (?:CHECK \(|FOREIGN KEY \()/s.test(sql) && !(isPartition && sql.includes('FOREIGN KEY'))) {
    return [
      { about: `add_${name}`, up: [`${sql} NOT VALID`], down: [drop], isAlone: false },
      {
        about: `validate_${name}`,
        up: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${quoteIdent(name)}`],
        down: [],
        isAlone: false,
      },
    ];
  }
  const [, kind, columns, rest = ''] = / (UNIQUE|PRIMARY KEY) (\([^)]*\))( DEFERRABLE.*)?$/s.exec(sql) ?? [];
  if (kind === undefined || columns === undefined || isPartition) return null;
  const index = `CREATE UNIQUE INDEX CONCURRENTLY ${quoteIdent(name)} ON ${on} ${columns}`;
  return [
    {
      about: `build_${name}`,
      up: [index],
      down: [`DROP INDEX CONCURRENTLY IF EXISTS ${quoteQualified({ schema, name })}`],
      isAlone: true,
    },
    {
      about: `add_${name}`,
      up: [`ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} ${kind} USING INDEX ${quoteIdent(name)}${rest}`],
      // The index goes with it: the way back of the step before finds none.
      down: [drop],
      isAlone: false,
    },
  ];
}

/** A constraint that is valid tells PostgreSQL that there is no NULL, so that it need not look. */
function notNullSteps({ schema, table, name }: OnTable & { name: string }): SafeStep[] {
  const on = quoteQualified({ schema, name: table });
  const check = quoteIdent(`phase_${shortHash(`${schema}.${table}.${name}`)}_not_null`);
  const column = quoteIdent(name);
  return [
    {
      about: `check_${table}_${name}`,
      up: [`ALTER TABLE ${on} ADD CONSTRAINT ${check} CHECK (${column} IS NOT NULL) NOT VALID`],
      down: [`ALTER TABLE ${on} DROP CONSTRAINT IF EXISTS ${check}`],
      isAlone: false,
      warning: `${table}.${name} becomes NOT NULL: rows in which it is NULL make the next step fail, so fill them by a data migration in between (phase new data).`,
    },
    {
      about: `validate_${table}_${name}`,
      up: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${check}`],
      down: [],
      isAlone: false,
    },
    {
      about: `require_${table}_${name}`,
      up: [`ALTER TABLE ${on} ALTER COLUMN ${column} SET NOT NULL`, `ALTER TABLE ${on} DROP CONSTRAINT ${check}`],
      down: [
        `ALTER TABLE ${on} ADD CONSTRAINT ${check} CHECK (${column} IS NOT NULL) NOT VALID`,
        `ALTER TABLE ${on} ALTER COLUMN ${column} DROP NOT NULL`,
      ],
      isAlone: false,
    },
  ];
}

/** One that has to be there in rows that are there, and is not said what it is in them. */
function columnSteps({ sql }: Statement, column: OnTable & { name: string }): SafeStep[] | null {
  const { table, name } = column;
  const about = `add_${table}_${name}`;
  const on = quoteQualified({ schema: column.schema, name: table });
  const down = [`ALTER TABLE ${on} DROP COLUMN ${quoteIdent(name)}`];
  const [, fallback] = / DEFAULT (.*)$/s.exec(sql) ?? [];
  const isNotNull = / NOT NULL(?: DEFAULT |$)/s.test(sql);
  if (/ GENERATED /.test(sql)) return null;
  if (fallback !== undefined && callsVolatile(fallback)) {
    const bare = sql.replace(/ NOT NULL/, '').replace(/ DEFAULT .*$/s, '');
    const set = `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(name)} SET DEFAULT ${fallback}`;
    const warning = `${table}.${name} has a default that differs from row to row: rows that are there stay NULL until a data migration fills them (phase new data).`;
    return [{ about, up: [bare, set], down, isAlone: false, warning }, ...(isNotNull ? notNullSteps(column) : [])];
  }
  if (fallback !== undefined || !isNotNull) return null;
  return [{ about, up: [sql.replace(/ NOT NULL$/, '')], down, isAlone: false }, ...notNullSteps(column)];
}

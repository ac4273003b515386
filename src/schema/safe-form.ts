import type { FactBase, StableId } from '@supabase/pg-delta';
import { quoteIdent, quoteQualified, shortHash } from '../domain/identifier.ts';
import type { Statement } from './statements.ts';

/** What becomes one migration. */
export interface SafeStep {
  /** Words for its file's name, such as `create_users`. */
  readonly about: string;
  /** Statements, or with `isModule` the text of a module. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** Outside a transaction. */
  readonly isAlone: boolean;
  /** An index of a partitioned table, for which PostgreSQL knows no statement that does not block. */
  readonly index?: {
    readonly on: string;
    readonly name: string;
    readonly definition: string;
    readonly isUnique: boolean;
    readonly isDrop: boolean;
  };
  /** What to do besides, or to know. */
  readonly warning?: string;
}

interface Facts {
  /** The schema in which they run. */
  readonly from: FactBase;
  /** What leads back, for the ways down. */
  readonly back: readonly Statement[];
}

type OnTable = Extract<StableId, { schema: string; table: string }>;

/**
 * The difference as migrations that do not block: indexes are built concurrently, constraints are added without looking at the rows and validated by
 * themselves, and one migration is about one thing. What is about tables that are new is theirs.
 */
export function safeSteps(statements: readonly Statement[], facts: Facts): SafeStep[] {
  const { before, rebuilt, behind } = aroundRebuilt(withSequences(statements), facts);
  const parts =
    rebuilt.length === 0
      ? []
      : [...partsOf(before, facts), { about: aboutRebuilt(rebuilt, facts), statements: rebuilt }];
  return [...parts, ...partsOf(rebuilt.length === 0 ? before : behind, facts)].map((part) =>
    'statements' in part ? plainStep(part.about, part.statements, facts) : part,
  );
}

/** What is dropped so that something can change, and made anew, is so in one transaction: nobody sees the time in between. What cannot be in one comes behind. */
function aroundRebuilt(
  statements: readonly Statement[],
  facts: Facts,
): { readonly before: readonly Statement[]; readonly rebuilt: Statement[]; readonly behind: readonly Statement[] } {
  const made = new Set(statements.filter(({ verb }) => verb === 'create').map(({ object }) => object));
  const first = statements.findIndex(({ verb, object }) => verb === 'drop' && made.has(object));
  if (first === -1) return { before: statements, rebuilt: [], behind: [] };
  const dropped = new Set(statements.filter(({ verb }) => verb === 'drop').map(({ object }) => object));
  const again = ({ object }: Statement): boolean =>
    dropped.has(object.replace(/^(?:privileges|comment) (?:of .*? )?on /, ''));
  const last = statements.findLastIndex((one) => one.verb === 'create' && again(one));
  const inside = statements.slice(first, last + 1);
  const isSpecial = (one: Statement): boolean =>
    !isOfNewTable(one, facts.from) && !again(one) && specialSteps(one, facts) !== null;
  return {
    before: statements.slice(0, first),
    rebuilt: inside.filter((one) => !isSpecial(one)),
    behind: [...inside.filter(isSpecial), ...statements.slice(last + 1)],
  };
}

function aboutRebuilt(statements: readonly Statement[], { from }: Facts): string {
  const altered =
    statements.find(({ verb, subject }) => verb === 'alter' && subject?.kind === 'column') ?? statements[0];
  return altered === undefined ? 'change' : aboutOf(altered, from);
}

function partsOf(statements: readonly Statement[], facts: Facts): (Group | SafeStep)[] {
  const parts: (Group | SafeStep)[] = [];
  for (const statement of statements) {
    const isOfNew = isOfNewTable(statement, facts.from);
    const special = isOfNew ? null : specialSteps(statement, facts);
    if (special !== null) {
      parts.push(...special);
      continue;
    }
    const about = aboutOf(statement, facts.from);
    const last = parts.at(-1);
    const own = isOfNew && MOVES.has(statement.subject?.kind ?? '') ? groupOf(parts, about) : undefined;
    const group =
      own ??
      (last !== undefined && 'statements' in last && (last.about === about || isHelper(statement)) ? last : undefined);
    if (group === undefined) parts.push({ about, statements: [statement] });
    else group.statements.push(statement);
  }
  return parts;
}

/** A sequence that a new table owns comes right before it, and what says so right behind it. */
function withSequences(statements: readonly Statement[]): Statement[] {
  const made = new Map(
    statements.flatMap((one) =>
      one.verb === 'create' && one.subject?.kind === 'table' ? [[quoteQualified(one.subject), one] as const] : [],
    ),
  );
  const before = new Map<Statement, Statement[]>();
  const behind = new Map<Statement, Statement[]>();
  for (const owned of statements) {
    const { subject, sql } = owned;
    const [, table = ''] =
      subject?.kind === 'sequence' ? (/ OWNED BY (.*)\.(?:"(?:[^"]|"")*"|\S+)$/.exec(sql) ?? []) : [];
    const creates = made.get(table);
    const sequence = statements.find(
      (one) => one.verb === 'create' && one.subject?.kind === 'sequence' && one.object === owned.object,
    );
    if (creates === undefined || sequence === undefined || subject?.kind !== 'sequence') continue;
    // Another table may take numbers from it, too.
    const isShared = statements.some(
      (one) => one !== creates && one !== owned && one !== sequence && one.sql.includes(subject.name),
    );
    if (isShared) continue;
    before.set(creates, [...(before.get(creates) ?? []), sequence]);
    behind.set(creates, [...(behind.get(creates) ?? []), owned]);
  }
  const moved = new Set([...before.values(), ...behind.values()].flat());
  const ofTable = new Map(
    [...before].flatMap(([table, sequences]) =>
      [...sequences, ...(behind.get(table) ?? [])].map((one) => [one, table] as const),
    ),
  );
  return statements
    .filter((one) => !moved.has(one))
    .flatMap((one) => [...(before.get(one) ?? []), one, ...(behind.get(one) ?? [])])
    .map((one) => {
      const table = ofTable.get(one);
      // It is about its table, for the name of the migration.
      return table === undefined ? one : { ...one, about: table.subject };
    });
}

interface Group {
  readonly about: string;
  readonly statements: Statement[];
}

/** What a new table has of its own, and what does not need anything that comes later. */
const MOVES: ReadonlySet<string> = new Set(['index', 'comment', 'acl']);

/** The group that makes a table, unless functions have come since, which an index may call. */
function groupOf(parts: readonly (Group | SafeStep)[], about: string): Group | undefined {
  const at = parts.findIndex((part) => part.about === about && 'statements' in part);
  const found = parts[at];
  const since = parts.slice(at + 1).flatMap((part) => ('statements' in part ? part.statements : []));
  const isFree = since.every(({ subject }) => subject?.kind !== 'function');
  return found !== undefined && 'statements' in found && isFree ? found : undefined;
}

/** Comments and privileges go with what stands before them. */
const isHelper = ({ subject }: Statement): boolean => subject?.kind === 'comment' || subject?.kind === 'acl';

const OPPOSITE = { create: 'drop', drop: 'create', alter: 'alter' } as const;

function plainStep(about: string, statements: readonly Statement[], { back }: Facts): SafeStep {
  // What is made anew is dropped in one place and made in another one, also on the way back.
  const undone = new Set(statements.map(({ object, verb }) => `${OPPOSITE[verb]} ${object}`));
  const again = statements.filter(({ verb }) => verb === 'drop').map(({ object }) => ` on ${object}`);
  const isUndone = ({ object, verb }: Statement): boolean =>
    undone.has(`${verb} ${object}`) || (verb === 'create' && again.some((ending) => object.endsWith(ending)));
  const down = back.filter(isUndone).map(({ sql }) => sql);
  const isAlone = statements.some((statement) => statement.isAlone);
  const rewrites = statements.some(({ sql }) => / ALTER COLUMN .* TYPE /s.test(sql));
  return {
    about,
    up: statements.map(({ sql }) => sql),
    down,
    isAlone,
    ...(rewrites
      ? {
          warning: `${about}: a change of type may write the whole table anew under a lock; phase check says whether it does.`,
        }
      : {}),
  };
}

function specialSteps(statement: Statement, facts: Facts): SafeStep[] | null {
  const { subject, verb, sql } = statement;
  if (subject?.kind === 'index') return indexStep(statement, subject, facts);
  if (subject?.kind === 'constraint' && verb === 'create')
    return constraintSteps(statement, subject as OnTable & { name: string }, facts);
  if (subject?.kind === 'column' && / SET NOT NULL$/.test(sql))
    return notNullSteps(subject as OnTable & { name: string });
  if (subject?.kind === 'column' && verb === 'create')
    return columnSteps(statement, subject as OnTable & { name: string }, facts);
  return null;
}

const CREATE_INDEX =
  /^CREATE (UNIQUE )?INDEX (?:"(?:[^"]|"")*"|\S+) ON (?:ONLY )?((?:"(?:[^"]|"")*"|[^\s.]+)\.(?:"(?:[^"]|"")*"|\S+)) (.*)$/s;

function indexStep(
  { sql, verb }: Statement,
  { schema, name }: { schema: string; name: string },
  { from }: Facts,
): SafeStep[] | null {
  const qualified = quoteQualified({ schema, name });
  if (verb === 'alter') return null;
  const [, unique, on, definition] = CREATE_INDEX.exec(sql) ?? [];
  if (verb === 'create') {
    if (on === undefined || definition === undefined || isView(on, from)) return null;
    const about = `create_${name}`;
    if (isPartitioned(on, from))
      return [partitionedIndex(about, { on, name, definition, isUnique: unique !== undefined, isDrop: false })];
    const up = `CREATE ${unique ?? ''}INDEX CONCURRENTLY ${quoteIdent(name)} ON ${on} ${definition}`;
    return [{ about, up: [up], down: [`DROP INDEX CONCURRENTLY IF EXISTS ${qualified}`], isAlone: true }];
  }
  const text = String(from.get({ kind: 'index', schema, name })?.payload.def ?? '');
  const [, wasUnique, table, was] = CREATE_INDEX.exec(text) ?? [];
  if (table === undefined || was === undefined || isView(table, from)) return null;
  const about = `drop_${name}`;
  if (isPartitioned(table, from))
    return [
      partitionedIndex(about, { on: table, name, definition: was, isUnique: wasUnique !== undefined, isDrop: true }),
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
  { from }: Facts,
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

/** What PostgreSQL computes for each row by itself. */
const VOLATILE = /\b(?:nextval|random|gen_random_uuid|uuid_generate_v\d\w*|clock_timestamp|timeofday|uuidv[47])\(/i;

/** One that has to be there in rows that are there, and is not said what it is in them. */
function columnSteps(
  { sql, object }: Statement,
  column: OnTable & { name: string },
  { back }: Facts,
): SafeStep[] | null {
  const { table, name } = column;
  const down = back.filter((one) => one.object === object).map((one) => one.sql);
  const about = `add_${table}_${name}`;
  const on = quoteQualified({ schema: column.schema, name: table });
  const [, fallback] = / DEFAULT (.*)$/s.exec(sql) ?? [];
  const isNotNull = / NOT NULL(?: DEFAULT |$)/s.test(sql);
  if (/ GENERATED /.test(sql)) return null;
  if (fallback !== undefined && VOLATILE.test(fallback)) {
    const bare = sql.replace(/ NOT NULL/, '').replace(/ DEFAULT .*$/s, '');
    const set = `ALTER TABLE ${on} ALTER COLUMN ${quoteIdent(name)} SET DEFAULT ${fallback}`;
    const warning = `${table}.${name} has a default that differs from row to row: rows that are there stay NULL until a data migration fills them (phase new data).`;
    return [{ about, up: [bare, set], down, isAlone: false, warning }, ...(isNotNull ? notNullSteps(column) : [])];
  }
  if (fallback !== undefined || !isNotNull) return null;
  return [{ about, up: [sql.replace(/ NOT NULL$/, '')], down, isAlone: false }, ...notNullSteps(column)];
}

function isPartitioned(on: string, facts: FactBase): boolean {
  const table = tableNamed(on, facts);
  return table !== undefined && table.payload.partitionKey !== null && table.payload.partitionKey !== undefined;
}

const isView = (on: string, facts: FactBase): boolean =>
  facts.facts().some(({ id }) => id.kind === 'materializedView' && sameName(quoteQualified(id), on));

const tableNamed = (on: string, facts: FactBase) =>
  facts.facts().find(({ id }) => id.kind === 'table' && sameName(quoteQualified(id), on));

const sameName = (one: string, other: string): boolean => one.replaceAll('"', '') === other.replaceAll('"', '');

/** The table that a statement is about; null for one that is about none. */
function tableOf({ subject, about }: Statement): StableId | null {
  let id = about ?? subject;
  while (id !== null && 'target' in id) id = id.target;
  if (id === null) return null;
  if (id.kind === 'table') return id;
  return 'table' in id && 'schema' in id ? { kind: 'table', schema: id.schema, name: id.table } : null;
}

/** Nobody has rows in it yet. An index does not say its table but in its text. */
function isOfNewTable(statement: Statement, from: FactBase): boolean {
  const table = tableOf(statement);
  if (table !== null) return !from.has(table);
  const [, , on] = statement.subject?.kind === 'index' ? (CREATE_INDEX.exec(statement.sql) ?? []) : [];
  return on !== undefined && tableNamed(on, from) === undefined && !isView(on, from);
}

function aboutOf(statement: Statement, from: FactBase): string {
  const table = tableOf(statement);
  const [, , on = ''] = statement.subject?.kind === 'index' ? (CREATE_INDEX.exec(statement.sql) ?? []) : [];
  if (on !== '' && tableNamed(on, from) === undefined && !isView(on, from))
    return `create_${on.replace(/^.*\./, '').replaceAll('"', '')}`;
  if (table !== null && 'name' in table) return `${from.has(table) ? 'alter' : 'create'}_${String(table.name)}`;
  const { subject, verb, object } = statement;
  const name = subject !== null && 'name' in subject ? String(subject.name) : object.replaceAll(/\W+/g, '_');
  return `${verb}_${name}`;
}

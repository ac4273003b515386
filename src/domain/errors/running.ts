import type { ErrorTexts } from './text.ts';

/** PH5xxx: failed while running; exit 1. */
export interface RunningErrors {
  PH5000: { message: string };
  PH5001: { server: string; reason: string };
  PH5002: { user: string; server: string };
  PH5003: { database: string; server: string };
  PH5004: { during: string };
  PH5005: { id: string; file: string; reason: string; transaction?: boolean };
  PH5006: { file: string; reason: string };
  PH5007: { reason: string };
  PH5008: { reason: string };
  PH5009: { table: string; mismatches: number; reason: string };
  PH5010: { id: string };
  PH5011: { file: string; reason: string };
  PH5012: { version: string };
  PH5013: { table: string };
  PH5014: { run: string };
  PH5015: { query: string; reason: string };
  PH5016: { reason: string };
  PH5017: { change: string; reason: string };
  PH5018: { change: string; reason: string; keys: readonly string[] };
  PH5019: { audit: string; reason: string };
  PH5020: { task: string; file: string; reason: string };
  PH5021: { table: string; from: string; to: string; sql: string };
  PH5022: { name: string; calls: readonly string[] };
  PH5023: { call: string; problems: readonly string[] };
  PH5024: { transaction: string };
  PH5026: { id: string; seconds: number };
  PH5027: { command: string; reason: string };
  PH5028: { what: string; reason: string };
  PH5030: { statement: string; reason: string };
  PH5031: { reason: string };
  PH5032: { file: string; reason: string };
  PH5033: { reason: string };
  PH5034: { reason: string };
  PH5029: { id: string; cause: string; reason: string };
  PH5025: { folder: string; reason: string; store: 'files' | 'database' };
}

const sample = (keys: readonly string[]): string => (keys.length === 0 ? '' : `Among them: ${keys.join('; ')}.`);

export const runningErrors: ErrorTexts<RunningErrors> = {
  PH5000: {
    exit: 1,
    title: 'Something unexpected happened',
    what: (d) => d.message,
    why: () => 'phase has no text of its own for this error.',
    remedy: () => 'Run again with --verbose; if it is a fault of triphase, report it with that output.',
  },
  PH5001: {
    exit: 1,
    title: 'The database cannot be reached',
    what: (d) => `The database at ${d.server} cannot be reached.`,
    why: (d) => d.reason,
    remedy: () => 'Start it, or correct the URL (--database-url, databaseUrl in the configuration, DATABASE_URL, PG*).',
  },
  PH5002: {
    exit: 1,
    title: 'The database refuses the user or the password',
    what: (d) => `The database at ${d.server} refuses the user ${d.user}.`,
    why: () => 'The password is wrong or missing, or pg_hba.conf does not let this user in.',
    remedy: () => 'Correct user and password in the URL, or PGUSER and PGPASSWORD.',
  },
  PH5003: {
    exit: 1,
    title: 'The database does not exist',
    what: (d) => `The server at ${d.server} has no database ${d.database}.`,
    why: () => 'The URL names a database that was not created.',
    remedy: () => 'Create it, or correct the URL.',
  },
  PH5004: {
    exit: 1,
    title: 'The connection was lost',
    what: (d) => `The connection to the database was lost during ${d.during}.`,
    why: () => 'The server ended it, or the network did.',
    remedy: () => 'Run the same command again: it goes on from the last completed step.',
  },
  PH5005: {
    exit: 1,
    title: 'A migration failed',
    what: (d) => `${d.file} failed: ${d.reason}`,
    why: (d) =>
      d.transaction === false
        ? 'The migration threw an error. It runs outside a transaction: what it did before stays. Nothing after it ran.'
        : 'The migration threw an error; its transaction was rolled back, and nothing after it ran.',
    remedy: () => 'Mend the cause and run the same command again: it goes on from this step.',
  },
  PH5006: {
    exit: 1,
    title: 'A migration file cannot be loaded',
    what: (d) => `${d.file} cannot be loaded: ${d.reason}`,
    why: () => 'It was loaded before anything ran; nothing was changed.',
    remedy: () => 'Correct the file.',
  },
  PH5007: {
    exit: 1,
    title: 'The embedded PostgreSQL failed',
    what: (d) => `The embedded PostgreSQL failed: ${d.reason}`,
    why: () => 'The server could not be set up, started or stopped.',
    remedy: () => 'Look at the log under .phase/postgres; phase db stop and deleting that folder begins anew.',
  },
  PH5008: {
    exit: 1,
    title: 'A privilege is missing',
    what: (d) => `The database refuses it: ${d.reason}.`,
    why: () => 'The role that phase connects as owns neither the table nor the right.',
    remedy: () => 'Connect as the owner of the tables; docs/operations.md lists the privileges that are needed.',
  },
  PH5009: {
    exit: 1,
    title: 'A backfill ended with rows that still differ',
    what: (d) => `The backfill of ${d.table} ended with ${d.mismatches} rows that still need it.`,
    why: (d) => d.reason,
    remedy: () => 'Find what changes these rows back or writes past the trigger, then run the same command again.',
  },
  PH5010: {
    exit: 1,
    title: 'A migration ended the transaction it runs in',
    what: (d) => `${d.id} ended its own transaction.`,
    why: () => 'Migration and ledger row have to commit together; a COMMIT or ROLLBACK inside breaks that.',
    remedy: () => 'Take it out, or declare config = { transaction: false }.',
  },
  PH5011: {
    exit: 1,
    title: 'A file cannot be written',
    what: (d) => `${d.file} cannot be written: ${d.reason}`,
    why: () => 'The file system refused it; everything already written was taken back.',
    remedy: () => 'Make room, or correct the rights of the folder.',
  },
  PH5012: {
    exit: 1,
    title: 'The server is too old',
    what: (d) => `PostgreSQL ${d.version} is too old.`,
    why: () => 'Page-range scans and hash_record_extended came with PostgreSQL 14.',
    remedy: () => 'Use PostgreSQL 14 to 18.',
  },
  PH5013: {
    exit: 1,
    title: 'A table that is worked on is gone',
    what: (d) => `There is no table ${d.table} any more, or there never was.`,
    why: () => 'It was dropped, renamed or moved to another schema, or its name is mistyped.',
    remedy: () => 'Look who dropped it; if the change is not needed any more, take it out.',
  },
  PH5014: {
    exit: 1,
    title: 'A run was cancelled',
    what: (d) => `Run ${d.run} was cancelled.`,
    why: () => 'Somebody said phase task cancel. Batches that had committed stay.',
    remedy: () => 'The same command, or phase task resume for a task, goes on where it was.',
  },
  PH5015: {
    exit: 1,
    title: 'The throttle query fails',
    what: (d) => `throttleQuery fails: ${d.reason}`,
    why: (d) => `Before each batch this is asked: ${d.query}`,
    remedy: () => 'Correct it: its first column is true, or a reason as text, when the run has to wait.',
  },
  PH5016: {
    exit: 1,
    title: 'The role may not keep triggers quiet',
    what: () => "The application's triggers cannot be kept quiet.",
    why: (d) => `It needs session_replication_role: ${d.reason}`,
    remedy: () =>
      'From PostgreSQL 15 a superuser can GRANT SET ON PARAMETER session_replication_role; or leave quietTriggers out and let them fire.',
  },
  PH5017: {
    exit: 1,
    title: 'A data change is not described as it has to be',
    what: (d) => `The data change ${d.change} cannot be run.`,
    why: (d) => d.reason,
    remedy: () => 'Correct the call; docs/data.md describes each of its fields. Nothing was changed.',
  },
  PH5018: {
    exit: 1,
    title: 'The keys of a data change do not fit',
    what: (d) => `The data change ${d.change} was rolled back: ${d.reason}`,
    why: (d) => `Before, change and after have to name the same rows, each once. ${sample(d.keys)}`,
    remedy: () => "Make the conditions of the queries agree; keys: 'any' lifts the comparison, and the audit says so.",
  },
  PH5019: {
    exit: 1,
    title: 'A change cannot be restored from its audit',
    what: (d) => `${d.audit} cannot be restored.`,
    why: (d) => d.reason,
    remedy: () => 'Restore it by hand, or from a backup; phase audit show says what the audit holds.',
  },
  PH5020: {
    exit: 1,
    title: 'A task failed',
    what: (d) => `The task ${d.task} failed: ${d.reason}`,
    why: (d) => `${d.file} threw an error. Batches and data changes that had committed stay.`,
    remedy: (d) => `Mend the cause; phase task resume ${d.task} goes on where it was.`,
  },
  PH5021: {
    exit: 1,
    title: 'The application writes a column by its old name',
    what: (d) => `${d.table}.${d.from} is called ${d.to}: ${d.sql}`,
    why: () =>
      'From the second phase of a rename on the old column is only there for older releases, and goes with the third.',
    remedy: (d) => `Write ${d.to} instead of ${d.from}.`,
  },
  PH5022: {
    exit: 1,
    title: 'Code ended while its work was still going on',
    what: (d) => `${d.name} ended while ${d.calls.join(' and ')} was still going on.`,
    why: () => 'Nothing waits for a promise without await: it would have been committed half done, or not at all.',
    remedy: (d) => `Write await before ${d.calls.join(' and ')}.`,
  },
  PH5023: {
    exit: 1,
    title: 'A call is not described as it has to be',
    what: (d) => `${d.call} cannot be carried out as it is described: ${d.problems.join('; ')}.`,
    why: () => 'An option that is misspelt or of another type would be taken for one that was left out.',
    remedy: () => 'Correct the call; docs/data.md lists the options.',
  },
  PH5024: {
    exit: 1,
    title: 'It is not known whether a transaction was committed',
    what: (d) =>
      `The answer to the COMMIT of transaction ${d.transaction} was lost, and the server did not say since what came of it.`,
    why: () => 'The connection broke between the COMMIT and its answer. It is taken neither for done nor for failed.',
    remedy: () =>
      'Run the same command again once the database answers: it looks first, and goes on from there. Files of audits wait until then with .partial at their end.',
  },
  PH5029: {
    exit: 1,
    title: 'What is waited for has failed',
    what: (d) => `${d.id} has failed while it was waited for, and nobody tries it again: ${d.cause}.`,
    why: (d) => d.reason,
    remedy: () => 'Mend the cause and run phase migrate again; whoever waits may wait again then.',
  },
  PH5028: {
    exit: 1,
    title: 'A connection cannot be made like those of the application',
    what: (d) => `A new connection could not be prepared by ${d.what}.`,
    why: (d) => d.reason,
    remedy: (d) =>
      d.what === 'role'
        ? 'Let the role that connects be a member of it (GRANT role TO who connects), or correct role in phase.config.ts.'
        : d.what === 'searchPath'
          ? 'Correct searchPath in phase.config.ts or in the knexfile.'
          : 'Look at pool.afterCreate in the knexfile: it runs on each connection of phase as it does on those of knex.',
  },
  PH5027: {
    exit: 1,
    title: 'A package could not be installed',
    what: (d) => `${d.command} failed.`,
    why: (d) => d.reason,
    remedy: () => 'What it printed says more. Run it yourself, then the same command again.',
  },
  PH5026: {
    exit: 1,
    title: 'A transaction stood still',
    what: (d) => `${d.id} sent nothing for ${d.seconds} s in the middle of its transaction, and the server ended it.`,
    why: () =>
      'A transaction keeps its locks until it ends, and clients of the application wait for them. It was rolled back.',
    remedy: () =>
      'Compute and ask other services before the first statement, or outside a transaction (config = { transaction: false }); then run the same command again.',
  },
  PH5025: {
    exit: 1,
    title: 'Audits cannot be written',
    what: (d) => `Audits of data changes cannot be written to ${d.folder}: ${d.reason}.`,
    why: () => 'The run changes data, and keeps what was there before. Nothing has run yet.',
    remedy: (d) =>
      d.store === 'files'
        ? "Mount a folder there that can be written to and that stays, or keep audits in the database: auditStore: 'database', or PHASE_AUDIT_STORE=database."
        : 'Mount a folder there that can be written to, or name another one in TMPDIR: audits pass through it on their way into the database.',
  },
  PH5030: {
    exit: 1,
    title: 'A statement of the difference does not run',
    what: (d) => `A statement fails on a copy of the first schema: ${d.statement}`,
    why: (d) => `${d.reason.replace(/\.$/, '')}.`,
    remedy: () =>
      'Make this change by a migration of your own (phase new schema NAME), and run this again: the rest follows it. phase diff shows all of the statements.',
  },
  PH5031: {
    exit: 1,
    title: 'A schema cannot be copied',
    what: () => 'The schema cannot be made on the server for databases that nobody keeps.',
    why: (d) => `PostgreSQL says: ${d.reason}.`,
    remedy: () => 'Name a server in shadowDatabaseUrl that has what the schema needs, such as its extensions.',
  },
  PH5032: {
    exit: 1,
    title: 'A seed fails',
    what: (d) => `${d.file} did not run.`,
    why: (d) => d.reason,
    remedy: () =>
      'Correct it, and run phase db seed again: each file runs in a transaction of its own, in the order of the names.',
  },
  PH5033: {
    exit: 1,
    title: 'The comment cannot be written',
    what: () => 'The comment of the pull request was not written.',
    why: (d) => d.reason,
    remedy: () =>
      'Give the job permission to write (pull-requests: write) and GITHUB_TOKEN; without --post the comment is printed.',
  },
  PH5034: {
    exit: 1,
    title: 'A difference has no statements that lead over it',
    what: () => 'No statements are known that lead from one schema to the other.',
    why: (d) => `${d.reason.replace(/\.$/, '')}.`,
    remedy: () =>
      'Make the change that is named by a migration of your own (phase new schema NAME), and in the wanted schema too where that is a file, and run this again.',
  },
};

import type { FormerTool } from '../former-ledger.ts';
import { type ErrorTexts, someOf } from './text.ts';

/** PH3xxx: the files, the manifests and the ledger do not agree; exit 5. */
export interface IntegrityErrors {
  PH3001: { id: string; manifest: string; folder: string; place?: string };
  PH3002: { file: string; manifest: string; state: string };
  PH3003: { id: string; file: string; appliedAt: string };
  PH3004: { ids: readonly string[] };
  PH3005: { file: string; problems: readonly string[] };
  PH3006: { manifest: string; isOpen: boolean; ranAt?: string };
  PH3007: { ids: readonly string[]; files: readonly string[] };
  PH3008: { id: string; file: string; dependency: string; reason: string };
  PH3009: { rename: string; ids: readonly string[]; files: readonly string[]; reason: string };
  PH3010: { id: string; files: readonly string[] };
  PH3011: { id: string; startedAt: string; error: string | null };
  PH3012: { file: string; manifest: string };
  PH3013: { ledger: number; tool: number };
  PH3014: { file: string; reason: string };
  PH3015: { id: string; releases: readonly string[] };
  PH3016: { file: string; reason: string };
  PH3018: { rename: string; phase: number; at: string; release: string };
  PH3019: { rename: string; phase: number };
  PH3020: { release: string; files: readonly string[] };
  PH3021: { files: readonly string[] };
  PH3023: { schema: string; objects: readonly string[] };
  PH3024: { wanted: string; schema: string; id: string };
  PH3026: { ids: readonly string[]; table: string; tool: FormerTool };
  PH3027: { ids: readonly string[]; table: string; tool: FormerTool };
  PH3028: { file: string; line: number };
  PH3029: { release: string; ids: readonly string[]; former: FormerTool | null };
  PH3025: { what: 'schema' | 'table'; name: string; owner: string | null; me: string; grant: string };
  PH3022: { schema: string | null; searchPath: string; recorded: string | null; recordedPath: string; ledger: string };
  PH3017: {
    first: string;
    second: string;
    object: string;
    ends: string | null;
    begins: string;
    files: readonly string[];
  };
}

const isScript = (file: string): boolean => /\.[mc]?js$/.test(file);

export const integrityErrors: ErrorTexts<IntegrityErrors> = {
  PH3001: {
    exit: 5,
    title: 'A manifest lists a migration whose file is missing',
    what: (d) =>
      d.place === undefined
        ? `${d.manifest} lists ${d.id}, but ${d.folder} has no such file.`
        : `${d.manifest} lists ${d.place}, but there is no such file.`,
    why: (d) =>
      `The file was deleted or renamed, or never committed${d.place === undefined ? '' : '; or what runs here, such as an image, was built without it'}.`,
    remedy: (d) =>
      d.place === undefined
        ? 'Bring the file back from version control, or take the entry out of the manifest while it is open.'
        : `Bring the file back, or where it was moved, move it to ${d.folder}: it is found there, too.`,
  },
  PH3002: {
    exit: 5,
    title: 'A file was edited after its checksum was taken',
    what: (d) => `${d.file} is not what ${d.manifest} lists.`,
    why: (d) =>
      isScript(d.file)
        ? 'Its checksum differs: it was edited afterwards, or compiled from the file that was listed.'
        : 'Its checksum differs: it was edited afterwards.',
    remedy: (d) =>
      isScript(d.file)
        ? `Where it was compiled, bring the .ts file instead: it runs as it is, without TypeScript and without a build. Otherwise ${d.state === 'open' ? 'run phase hash, if the edit is meant' : 'bring it back from version control and write a new migration'}.`
        : d.state === 'open'
          ? 'If the edit is meant, run phase hash; otherwise bring the file back from version control.'
          : 'The release is cut: bring the file back from version control and write a new migration.',
  },
  PH3003: {
    exit: 5,
    title: 'An applied migration was edited',
    what: (d) => `${d.file} was edited after it had been applied (${d.appliedAt}).`,
    why: () => 'The ledger of this database keeps the checksum of what ran; the file has another.',
    remedy: (d) => `Bring ${d.id} back as it was, and put the change into a new migration.`,
  },
  PH3004: {
    exit: 5,
    title: 'The database has migrations that the files do not know',
    what: (d) => `Applied here, but in no manifest: ${d.ids.join(', ')}.`,
    why: () => 'They belong to releases that these files should know; an older image may miss only newer releases.',
    remedy: () =>
      'Deploy from files that contain them, or bring their manifests back from version control. Where they are those of another application in the same database, give this one a ledger of its own: ledgerSchema in phase.config.ts.',
  },
  PH3005: {
    exit: 5,
    title: 'A manifest or rename file cannot be read',
    what: (d) => `${d.file}: ${someOf(d.problems)}.`,
    why: () => 'It does not have the form that docs/formats.md describes.',
    remedy: () => 'Correct it, or bring it back from version control.',
  },
  PH3006: {
    exit: 5,
    title: 'A released manifest was edited',
    what: (d) => `${d.manifest} was edited after it had been cut.`,
    why: (d) => {
      if (d.ranAt !== undefined)
        return `Migrations ran under it in this database (${d.ranAt}), and it was opened and cut again as something else since.`;
      return d.isOpen ? 'It says open, and has the sum of a cut.' : 'Its sum does not fit its entries.';
    },
    remedy: () => 'Bring it back from version control; changes go into an open manifest.',
  },
  PH3007: {
    exit: 5,
    title: 'Migrations depend on each other in a circle',
    what: (d) => `These migrations wait for each other: ${d.files.join(' -> ')}.`,
    why: () => 'Each names the next in after, and the last the first: there is no order.',
    remedy: () => 'Take one of the after entries out.',
  },
  PH3008: {
    exit: 5,
    title: 'A migration depends on something that cannot come before it',
    what: (d) => `${d.file} comes after ${d.dependency}, which cannot be.`,
    why: (d) => d.reason,
    remedy: () => 'Correct the after entry in the manifest.',
  },
  PH3009: {
    exit: 5,
    title: 'The phases of a rename are out of order',
    what: (d) => `The phases of ${d.rename} are out of order: ${someOf(d.files, ', ')}.`,
    why: (d) => d.reason,
    remedy: () => 'Put each phase into the open manifest of a release of its own, ascending.',
  },
  PH3010: {
    exit: 5,
    title: 'Two files are the same migration',
    what: (d) => `${d.files.join(' and ')} have the same id ${d.id}.`,
    why: () => 'An id is the name of a file without its extension, over both folders.',
    remedy: () => 'Delete one, or give it another timestamp.',
  },
  PH3011: {
    exit: 5,
    title: 'A migration was started and did not finish',
    what: (d) => `${d.id} was started at ${d.startedAt} and did not finish.`,
    why: (d) =>
      `It runs outside a transaction and is not declared safe to repeat, so what it did is not known.${d.error === null ? '' : ` Its error: ${d.error}`}`,
    remedy: (d) =>
      `Look at the database, then say phase resolve ${d.id} --applied if it is complete, or --retry to run it again.`,
  },
  PH3012: {
    exit: 5,
    title: 'A function, trigger or rename file is missing or edited',
    what: (d) => `${d.file} is missing, or not what ${d.manifest} lists.`,
    why: () => 'Files that migrations read are hashed like the migrations.',
    remedy: () => 'Bring it back from version control; if the edit is meant and the manifest open, run phase hash.',
  },
  PH3013: {
    exit: 5,
    title: 'The ledger was written by a newer phase',
    what: (d) => `The ledger has format ${d.ledger}; this phase knows up to ${d.tool}.`,
    why: () => 'A newer version of triphase has upgraded it.',
    remedy: () => 'Use that version of triphase.',
  },
  PH3014: {
    exit: 5,
    title: 'A migration file does not have the form of a migration',
    what: (d) => `${d.file} is not a migration.`,
    why: (d) => d.reason,
    remedy: (d) =>
      d.file.endsWith('.sql')
        ? 'Mend the file; docs/migrations.md has the form of one.'
        : 'Export an async function up(knex), and down(knex) for the way back; docs/migrations.md has an example.',
  },
  PH3015: {
    exit: 5,
    title: 'A manifest lists a migration twice, or differently from another one',
    what: (d) =>
      new Set(d.releases).size === 1
        ? `${d.id} is listed twice in ${d.releases[0]}.`
        : `${d.id} is listed differently in ${d.releases.join(' and ')}.`,
    why: () => 'A migration may stand again in a later manifest (a backport), but it is the same file.',
    remedy: () => 'Make the entries equal, or take one out while its manifest is open.',
  },
  PH3016: {
    exit: 5,
    title: 'An audit is not what was written',
    what: (d) => `The audit ${d.file} cannot be used.`,
    why: (d) => d.reason,
    remedy: () => 'Bring it back from a backup; phase audit verify looks at all of them.',
  },
  PH3017: {
    exit: 5,
    title: 'Two renames that share an object overlap',
    what: (d) =>
      `The renames ${d.first} and ${d.second} overlap and both work on ${d.object}: ${someOf(d.files, ', ')}.`,
    why: (d) =>
      `${d.second} begins in ${d.begins}, and ${d.first} ${d.ends === null ? 'has no phase 3 in any manifest' : `ends in ${d.ends}`}; what one makes the other would have to carry over half-way.`,
    remedy: (d) =>
      `Move ${d.second} to releases after ${d.ends ?? `that of phase 3 of ${d.first}`} (phase release retarget ${d.second}), and scaffold it anew once ${d.first} has ended.`,
  },
  PH3020: {
    exit: 5,
    title: 'Copies of functions were not reviewed',
    what: (d) => `${d.release} would freeze copies of functions that nobody has edited: ${someOf(d.files, ', ')}.`,
    why: () =>
      'Phase 2 brings the functions to these versions, which still name the old column; it is gone after phase 3.',
    remedy: () =>
      'Write the new name where the old one means the column, or take the first line out where it means none; run phase hash, then cut again.',
  },
  PH3021: {
    exit: 5,
    title: 'The name of a migration does not fit',
    what: (d) =>
      `${someOf(d.files, ', ')} cannot be entered: migrations run in the order of the numbers in front of their names, and end in .ts, .js, .sql or the like.`,
    why: () => 'Without a number it would sort behind all that come later; with another ending it never runs.',
    remedy: () =>
      'Name it as phase new does (YYYYMMDDHHMMSS_name.ts), or move it out of the folder of the migrations where it is none.',
  },
  PH3023: {
    exit: 5,
    title: "The schema of the ledger is somebody else's",
    what: (d) => `The schema ${d.schema} of this database holds ${someOf(d.objects, ', ')}, and no ledger.`,
    why: () => 'phase keeps its ledger in a schema of its own, and mixes it with nothing.',
    remedy: (d) =>
      `Name another one in phase.config.ts: ledgerSchema: '${d.schema}_ledger'. It may be there already, empty; phase makes it where it is not.`,
  },
  PH3026: {
    exit: 5,
    title: 'The former tool has run what no manifest lists',
    what: (d) => `${d.table} names ${someOf(d.ids, ', ')}, which no manifest lists.`,
    why: (d) =>
      d.tool === 'knex'
        ? 'A file was renamed or deleted after it had run. Under its new name it would run again, and a fresh database would never have it. Knex refuses that, too.'
        : `It has come since the migrations of ${d.tool} were taken over, or before one of them was deleted. The baseline does not hold what it did, and a fresh database would never have it.`,
    remedy: (d) =>
      d.tool === 'knex'
        ? 'Give the file its old name back, or bring it back, and take over anew (delete db/releases/0.0.0.yml, phase init --from-knex). Where it is gone on purpose, say migrations.disableMigrationsListValidation in the knexfile, as knex wants it.'
        : `Take over anew, with it: delete db/releases/0.0.0.yml and the files that it lists, and run phase init --from-${d.tool}. Where phase has run in a database already, write what it did as a migration (phase new schema), and delete its row.`,
  },
  PH3027: {
    exit: 5,
    title: 'The former tool has run what is pending',
    what: (d) => `${d.table} says that ${d.tool} has run ${someOf(d.ids, ', ')} here.`,
    why: (d) =>
      `Since phase has run in a database, what ${d.tool} runs there does not count by itself. It would run twice.`,
    remedy: (d) =>
      `Where it has run: phase resolve ${d.ids[0] ?? 'ID'} --applied${d.ids.length > 1 ? ', and so for each' : ''}. Then let nobody migrate this database with ${d.tool} any more.`,
  },
  PH3025: {
    exit: 5,
    title: "What says which migrations are applied is another role's",
    what: (d) =>
      d.owner === null
        ? `Everybody may create in the ${d.what} ${d.name}, which is the ledger's.`
        : `The ${d.what} ${d.name} belongs to the role ${d.owner}, and ${d.me} is no member of that.`,
    why: () => 'Whoever owns what is read can have code run with the rights of whoever reads it.',
    remedy: (d) =>
      d.owner === null
        ? `REVOKE CREATE ON SCHEMA ${d.name} FROM PUBLIC; look at who owns what is in it.`
        : `Where ${d.owner} is who migrates this database: connect as it, or ${d.grant}. Where it is not: look at what it has put there and drop it, or name another ${d.what} in phase.config.ts (${d.what === 'schema' ? 'ledgerSchema' : 'knexMigrations, formerLedger'}).`,
  },
  PH3024: {
    exit: 5,
    title: 'The ledger is in another schema',
    what: (d) =>
      `This database has no ledger in the schema ${d.wanted}, and one of this project in ${d.schema}: it lists ${d.id}.`,
    why: () => 'Without its ledger every migration would run again.',
    remedy: (d) =>
      `Set ledgerSchema: '${d.schema}' in phase.config.ts. A ledger stays where it was made: what counts writes to an old column is beside it.`,
  },
  PH3022: {
    exit: 5,
    title: 'The ledger was made for another schema',
    what: (d) =>
      `Names without a schema lead to ${d.schema ?? 'no schema'} (search_path ${d.searchPath}); the ledger of this database was made where they led to ${d.recorded ?? 'no schema'} (${d.recordedPath}).`,
    why: () => 'A ledger is of one schema: what was applied in it says nothing of another.',
    remedy: (d) =>
      `Connect with a search path that begins with ${d.recorded ?? 'that'}, by the URL or ALTER ROLE ... SET search_path; give an application that stands in a database several times a database for each, or a ledger for each (ledgerSchema). Where the schema was renamed, UPDATE ${d.ledger}.ledger SET search_path = NULL lets the next run record its own.`,
  },
  PH3019: {
    exit: 5,
    title: 'A step of a rename is not entered as one',
    what: (d) => `Phase ${d.phase} of ${d.rename} would run without its gate.`,
    why: () => 'The manifest does not list this migration with its rename, phase and step, by which the gate is found.',
    remedy: () =>
      'Bring the entry back as phase new rename-column has written it (version control has it), then run phase hash.',
  },
  PH3018: {
    exit: 5,
    title: 'The next phase of a rename is missing',
    what: (d) => `Phase ${d.phase} of ${d.rename} is in ${d.at}, and no manifest lists phase ${d.phase + 1}.`,
    why: (d) => `With ${d.release} it would be due: what is begun would never be ended, and the sync would stay.`,
    remedy: () =>
      'Bring the files of that phase back from version control, and with them what the manifest said of them; or undo the rename where nobody has it yet.',
  },
  PH3028: {
    exit: 5,
    title: 'A file has merge conflicts',
    what: (d) => `${d.file} has a merge conflict, in line ${d.line}.`,
    why: () => 'git left the lines of both branches there, between <<<<<<< and >>>>>>>.',
    remedy: () =>
      'phase rebase --base REF puts the manifests of both branches together; other files are for you to decide. Then run phase hash.',
  },
  PH3029: {
    exit: 5,
    title: 'A database lacks migrations in whose place a baseline stands',
    what: (d) =>
      `This database has some of what ${d.release} replaces, and lacks ${d.ids.slice(0, 3).join(', ')}${d.ids.length > 3 ? ` and ${d.ids.length - 3} more` : ''}.`,
    why: (d) =>
      `${d.former === null ? 'phase squash' : `phase init --from-${d.former}`} has put a baseline in their place, for databases that have all of them, and for fresh ones.`,
    remedy: (d) =>
      d.former === null
        ? `Migrate it first with a version of the application from before the squash, up to ${d.release}; then with this one.`
        : `Let ${d.former} run the others here first; then run this again.`,
  },
};

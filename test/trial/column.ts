import { quoteIdent } from '../../src/domain/identifier.ts';
import { diffSchemas } from '../../src/schema/diff.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
import { type Ran, TestProject } from '../support/project.ts';
import { canonicalViews } from './canonical.ts';
import type { TrialColumn } from './schema.ts';

/** How the rename of one column ended. */
export interface TrialResult extends TrialColumn {
  /** Refused: with a code, by the wizard or by a gate. Failed: anything else that is not the same schema. */
  readonly outcome: 'equal' | 'different' | 'refused' | 'failed';
  readonly code?: string;
  readonly reason?: string;
  /** Phase in which it was refused or failed; 0 is the wizard. */
  readonly phase?: number;
  readonly differences?: readonly string[];
  readonly durationMs: number;
}

type Ending = Omit<TrialResult, 'table' | 'column' | 'durationMs'>;

export const RELEASES = ['1.1.0', '1.2.0', '1.3.0'] as const;

/** Renames one column in three releases in a database of its own, and compares the end with a plain rename in another. */
export async function tryColumn(server: string, template: string, given: TrialColumn): Promise<TrialResult> {
  const began = performance.now();
  const renamed = await createDatabase(server, template);
  const project = new TestProject(renamed.url);
  try {
    const to = newName(given.column);
    const edited: string[] = [];
    const ending =
      (await scaffolded(project, given, to, edited)) ??
      (await compare(server, template, renamed, { ...given, to, edited }));
    return { ...given, ...ending, durationMs: Math.round(performance.now() - began) };
  } catch (error) {
    const durationMs = Math.round(performance.now() - began);
    return { ...given, outcome: 'failed', reason: (error as Error).message, durationMs };
  } finally {
    project.remove();
    await renamed.drop();
  }
}

/** Short enough for any name, and not one that a table has. */
function newName(column: string): string {
  return column.length > 40 ? `${column.slice(0, 40)}_renamed` : `${column}_renamed`;
}

/** `edited` gets the functions that the developer would have edited. */
async function scaffolded(
  project: TestProject,
  { table, column }: TrialColumn,
  to: string,
  edited: string[],
): Promise<Ending | null> {
  await project.json('init');
  const flags = ['--table', table, '--from', column, '--to', to, '--releases', RELEASES.join(','), '--yes'];
  const asked = await project.phase('new', 'rename-column', ...flags, '--json');
  if (asked.code !== 0) return endingOf(asked, 0);
  edited.push(...(await editFunctions(project, asked.json.warnings, column, to)));
  return threeReleases(project);
}

/** Null when all three phases are through. */
export async function threeReleases(project: TestProject): Promise<Ending | null> {
  for (const release of RELEASES) await project.json('release', 'cut', release);
  for (const [index, release] of RELEASES.entries()) {
    for (const command of [['migrate', '--release', release], ['finish']]) {
      const ran = await project.phase(...command, '--straggler-window', '0', '--json');
      if (ran.code !== 0) return endingOf(ran, index + 1);
    }
  }
  return null;
}

/**
 * Does what the wizard asks a person for: writes the new name into the copies of functions that use the column, and says of the
 * others that nothing in them means it.
 */
async function editFunctions(
  project: TestProject,
  warnings: readonly { readonly code: string; readonly message: string }[],
  column: string,
  to: string,
): Promise<string[]> {
  const copies = warnings.flatMap(({ code, message }) => {
    const file = /db\/functions\/\S+_v\d+\.sql/.exec(message)?.[0];
    const isCopy = code.endsWith('function_names_column') && file !== undefined;
    return isCopy ? [{ file, isCertain: !message.includes(' may name ') }] : [];
  });
  const edited: string[] = [];
  for (const { file, isCertain } of copies) {
    const copy = project.read(file);
    const reviewed = copy.slice(copy.indexOf('\n') + 1);
    const text = isCertain ? await withNewName(reviewed, column, to) : reviewed;
    project.write(file, text);
    edited.push(text);
  }
  if (copies.length > 0) await project.json('hash', '--no-replay');
  return edited;
}

/** Every identifier and every word of a string that is the old name becomes the new one. */
async function withNewName(text: string, column: string, to: string): Promise<string> {
  const escaped = column.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const [head = '', ...body] = text.split(/(?=\$\w*\$)/);
  return head + body.join('').replaceAll(new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`, 'g'), () => to);
}

export function endingOf({ code, stdout, stderr }: Ran, phase: number): Ending {
  const { error, failed } = safeJson(stdout);
  const known = error ?? failed;
  const reason = known ? [known.message, known.why].filter((text) => text !== undefined).join(' ') : stdout + stderr;
  return { outcome: code === 4 ? 'refused' : 'failed', code: known?.code ?? `exit ${code}`, reason, phase };
}

// biome-ignore lint/suspicious/noExplicitAny: a document of the command line
function safeJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function compare(
  server: string,
  template: string,
  renamed: TestDatabase,
  { table, column, to, edited }: TrialColumn & { readonly to: string; readonly edited: readonly string[] },
): Promise<Ending> {
  const plain = await createDatabase(server, template);
  try {
    await plain.sql(`ALTER TABLE ${table} RENAME COLUMN ${quoteIdent(column)} TO ${quoteIdent(to)}`);
    for (const definition of edited) await plain.sql(definition);
    const differences = [
      // The query of a view may list its columns by position, which no rename by a new column can keep.
      ...(await diffSchemas(renamed.url, plain.url)).filter((line) => !/^set \w*[vV]iew:\S+: def /.test(line)),
      ...differencesOf(await canonicalViews(renamed), await canonicalViews(plain)),
      ...differencesOf(await schemaOf(renamed), await schemaOf(plain)),
      ...differencesOf(await rowsOf(renamed), await rowsOf(plain)),
    ];
    return differences.length === 0 ? { outcome: 'equal' } : { outcome: 'different', differences };
  } finally {
    await plain.drop();
  }
}

function schemaOf(database: TestDatabase): Promise<string[]> {
  return fingerprint(database, { viewTexts: false });
}

/** Every row of every table, by the names of its columns: a trigger may have changed any of them. */
export async function rowsOf(database: TestDatabase): Promise<string[]> {
  const tables = await database.sql<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'phase') ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await database.sql<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} t ORDER BY 1`);
    found.push(...rows.map(({ row }, at) => `row ${at + 1} of ${name}: ${row}`));
  }
  return found;
}

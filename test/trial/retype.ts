import { quoteIdent } from '../../src/domain/identifier.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { differencesOf, fingerprint } from '../support/fingerprint.ts';
import { TestProject } from '../support/project.ts';
import { endingOf, RELEASES, rowsOf, type TrialResult, threeReleases } from './column.ts';
import type { TrialColumn } from './schema.ts';

type Ending = Omit<TrialResult, 'table' | 'column' | 'durationMs'>;

/** What integers become, and what bigints do, which is the same the other way round. */
const NEXT: Readonly<Record<string, string>> = { smallint: 'bigint', integer: 'bigint', bigint: 'integer' };

/** Integer columns, with their types. */
export async function integerColumns(database: TestDatabase, columns: readonly TrialColumn[]): Promise<TrialColumn[]> {
  const rows = await database.sql<TrialColumn>(`
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table, a.attname AS column
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND a.attgenerated = ''`);
  const known = new Set(rows.map(({ table, column }) => `${table}.${column}`));
  return columns.filter(({ table, column }) => known.has(`${table}.${column}`));
}

/** Gives one column, and what references it, another type in three releases, and compares the end with ALTER TYPE in another database. */
export async function tryRetype(server: string, template: string, given: TrialColumn): Promise<TrialResult> {
  const began = performance.now();
  const retyped = await createDatabase(server, template);
  const project = new TestProject(retyped.url);
  try {
    const to = NEXT[await typeOf(retyped, given)] ?? 'bigint';
    await project.json('init');
    const flags = ['--table', given.table, '--column', given.column, '--to-type', to, '--with-references'];
    const asked = await project.phase(
      'new',
      'retype-column',
      ...flags,
      '--releases',
      RELEASES.join(','),
      '--yes',
      '--json',
    );
    const ending =
      asked.code === 0
        ? ((await threeReleases(project)) ?? (await compare(server, template, { retyped, project, given, to })))
        : endingOf(asked, 0);
    return { ...given, ...ending, durationMs: Math.round(performance.now() - began) };
  } catch (error) {
    const durationMs = Math.round(performance.now() - began);
    return { ...given, outcome: 'failed', reason: (error as Error).message, durationMs };
  } finally {
    project.remove();
    await retyped.drop();
  }
}

async function typeOf(database: TestDatabase, { table, column }: TrialColumn): Promise<string> {
  const [row] = await database.sql<{ type: string }>(
    'SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2',
    [table, column],
  );
  return row?.type ?? '';
}

interface Ended {
  readonly retyped: TestDatabase;
  readonly project: TestProject;
  readonly given: TrialColumn;
  readonly to: string;
}

/** PostgreSQL alters no column that a view or a trigger names: there the catalogue is compared with what it was, but for types. */
async function compare(server: string, template: string, { retyped, project, given, to }: Ended): Promise<Ending> {
  const plain = await createDatabase(server, template);
  try {
    const { changes } = await project.json('status');
    const columns: TrialColumn[] = changes.map(({ table, from }: { table: string; from: string }) => ({
      table: table.split('.').map(quoteIdent).join('.'),
      column: from,
    }));
    const alters = columns.map(
      ({ table, column }) => `ALTER TABLE ${table} ALTER COLUMN ${quoteIdent(column)} TYPE ${to}`,
    );
    const altered = await plain.sql(`BEGIN; ${alters.join('; ')}; COMMIT`).then(
      () => true,
      () => false,
    );
    if (!altered) await plain.sql('ROLLBACK');
    const form = altered ? withoutSequences : untyped;
    const found = (await fingerprint(retyped)).map(form).sort();
    const differences = [
      ...differencesOf(found, (await fingerprint(plain)).map(form).sort()),
      ...differencesOf(await rowsOf(retyped), await rowsOf(plain)),
    ];
    const isThere = (await typeOf(retyped, given)) === to;
    return differences.length === 0 && isThere ? { outcome: 'equal' } : { outcome: 'different', differences };
  } finally {
    await plain.drop();
  }
}

/** The sequence of a serial goes with the type, which ALTER TYPE forgets. */
const withoutSequences = (line: string): string => (line.startsWith('sequence ') ? untyped(line) : line);

/** Types of integers, casts to them, and parentheses that come and go with these. */
function untyped(line: string): string {
  return line
    .replaceAll(/::(?:bigint|integer|smallint)/g, '')
    .replaceAll(/\b(?:bigint|integer|smallint)\b/g, 'number')
    .replaceAll(/9223372036854775807|2147483647|32767/g, 'most')
    .replaceAll(/[()\s]/g, '');
}

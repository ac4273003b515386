import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgeContext, JudgedMigration, JudgedStatement, Node } from '../../checks/rule.ts';
import { RULES } from '../../checks/rules/index.ts';
import { silenced } from '../../checks/silences.ts';
import { addedConstraints, alterations, field, nodes, tableName, text } from '../../checks/syntax.ts';
import { checkUnusedVersions, type ListedVersion } from '../../checks/unused-versions.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import type { ManifestEntry } from '../../domain/manifest.ts';
import type { Release } from '../../domain/release.ts';
import { orderMigrations } from '../../planner/order.ts';
import { withConnection } from '../../postgres/connection.ts';
import { parse } from '../../postgres/parser.ts';
import { all } from '../../postgres/queryable.ts';
import { withoutBom } from '../../project/checksum.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import { fileOf, loadMigration, type MigrationFile } from '../../project/migrations.ts';
import type { ObservedTouches } from '../../replay/touches.ts';
import { withSteps } from '../../sources/open.ts';
import { findUsages } from '../../usages/find.ts';
import type { CommandContext } from '../context.ts';
import { checkBySquawk } from './squawk.ts';

/** What was seen of the migrations; null where they were not run. */
type Seen = Pick<ObservedTouches, 'statements' | 'rewritten' | 'locks'> | null;

interface Judging {
  readonly project: Project;
  readonly history: History;
  /** Ids of migrations that are not judged any more; null for none. */
  readonly known: ReadonlySet<string> | null;
}

/** Judges the migrations of open manifests by all rules, but for the steps of renames, which phase has written. */
export async function judgeMigrations(
  context: CommandContext,
  { project, history, known }: Judging,
  seen: Seen,
): Promise<Finding[]> {
  const open = history.manifests.filter(({ state }) => state === 'open');
  const entries = open.flatMap(({ release, migrations }) =>
    migrations.filter(({ rename }) => rename === undefined).map((entry) => ({ release, entry })),
  );
  const judged: JudgedMigration[] = [];
  for (const { release, entry } of entries) {
    const file = fileOf(history.files, entry);
    if (file !== undefined) judged.push(await judgedMigration(project, { release, entry, file }, seen));
  }
  const added = judged.filter(({ id }) => !known?.has(id));
  if (added.length === 0) return [];
  const around = await contextOf(context, project, history, judged, seen);
  const findings: Finding[] = [];
  const squawked = await checkBySquawk(project.root, added, around.isNew);
  for (const migration of added) {
    findings.push(...(await findingsOf(migration, around, project, squawked)));
  }
  return [...findings, ...(await unusedVersions(project.root, history))];
}

/** Of open manifests: what is released cannot be taken out any more. */
async function unusedVersions(root: string, history: History): Promise<Finding[]> {
  const open = history.manifests.filter(({ state }) => state === 'open');
  const versions = open.flatMap(({ sources }) =>
    sources.flatMap(({ file }): ListedVersion[] => {
      const [, name, version] = /^(?:functions|triggers)\/(.+)_v(\d{2,})\.sql$/.exec(file) ?? [];
      return name === undefined ? [] : [{ file: join('db', file), name, version: Number(version) }];
    }),
  );
  if (versions.length === 0) return [];
  const texts = await Promise.all(history.files.map(({ path }) => readFile(join(root, path), 'utf8').catch(() => '')));
  return checkUnusedVersions(versions, texts);
}

async function findingsOf(
  migration: JudgedMigration,
  context: Context,
  project: Project,
  squawked: readonly Finding[],
): Promise<Finding[]> {
  const found: Finding[] = squawked.filter(
    ({ file, code }) => file === migration.file && project.config.check.rules[code] !== 'off',
  );
  context.at = migration;
  for (const { code, judge } of RULES) {
    const wanted = project.config.check.rules[code];
    if (wanted === 'off') continue;
    for (const { line, severity, message, remedy } of await judge(migration, context)) {
      found.push({ code, severity: wanted ?? severity, file: migration.file, line, message, remedy });
    }
  }
  found.sort((one, other) => (one.line ?? 0) - (other.line ?? 0));
  return silenced(migration.file, migration.text, found, [
    ...RULES.map(({ code }) => code),
    ...squawked.map(({ code }) => code),
  ]);
}

interface Listed {
  readonly release: Release;
  readonly entry: ManifestEntry;
  readonly file: MigrationFile;
}

async function judgedMigration(
  project: Project,
  { release, entry, file }: Listed,
  seen: Seen,
): Promise<JudgedMigration> {
  const content = withoutBom(await readFile(join(project.root, file.path), 'utf8'));
  // One that cannot be loaded is a finding of its own.
  const loaded = await loadMigration(project, file).catch((error) => {
    if (error instanceof PhaseError) return null;
    throw error;
  });
  const texts = loaded?.form === 'sql' ? loaded.sql.up : (seen?.statements.get(entry.id) ?? []);
  return {
    id: entry.id,
    file: file.path,
    kind: entry.kind,
    release,
    text: content,
    statements: await statementsOf(content, texts),
    isInTransaction: loaded?.transaction ?? true,
    rewritten: new Set(seen?.rewritten.get(entry.id) ?? []),
    locks: seen?.locks.get(entry.id) ?? new Map(),
    settings: { ticket: loaded?.ticket ?? null },
  };
}

/** What stands in a file is found in it; what a module puts together may not be. */
async function statementsOf(content: string, texts: readonly string[]): Promise<JudgedStatement[]> {
  const statements: JudgedStatement[] = [];
  let from = 0;
  for (const sql of texts) {
    const bare = sql.replace(/^(?:\s*--[^\n]*\n|\s*\/\*.*?\*\/|\s+)*/s, '');
    const [first = ''] = bare.split('\n');
    const at = first.length < 8 ? -1 : content.indexOf(first, from);
    if (at !== -1) from = at;
    const line = at === -1 ? null : content.slice(0, at).split('\n').length;
    const trees = await parse(sql).catch(() => null);
    for (const { stmt } of trees?.stmts ?? []) {
      const [kind = null, node = {}] = Object.entries((stmt ?? {}) as unknown as Record<string, Node>)[0] ?? [];
      statements.push({ sql, line, kind, node });
    }
  }
  return statements;
}

interface Context extends JudgeContext {
  /** The migration that is judged: what comes after it is not known to it. */
  at: JudgedMigration;
}

async function contextOf(
  context: CommandContext,
  project: Project,
  history: History,
  judged: readonly JudgedMigration[],
  seen: Seen,
): Promise<Context> {
  const made = new Set(judged.flatMap(tablesMadeBy));
  const [sizes, indexes] = await Promise.all([
    sizesOf(context, project),
    seen === null ? null : indexesOf(context, project, history),
  ]);
  const around: Context = {
    at: judged[0] as JudgedMigration,
    isNew: (table) => made.has(table),
    sizeOf: (table) => sizes?.get(table) ?? null,
    isKnownNotNull: (table, column) => isKnownNotNull(judged.slice(0, judged.indexOf(around.at) + 1), table, column),
    // What is not known is no finding.
    isIndexed: (table, columns) =>
      indexes === null ||
      !indexes.some((index) => index.table === table) ||
      indexes.some(
        (index) =>
          index.table === table && columns.every((column) => index.columns.slice(0, columns.length).includes(column)),
      ),
    hasPrimaryKey: (table) =>
      indexes === null ||
      !indexes.some((index) => index.table === table) ||
      indexes.some((index) => index.table === table && index.isPrimary),
    usagesOf: async (column, table) => {
      const found = await findUsages(history, { from: column, table: { name: table.replace(/^.*\./, '') } });
      return found.filter(({ certainty }) => certainty !== 'by_name');
    },
    requires: { ticket: project.config.check.ticket },
  };
  return around;
}

function tablesMadeBy({ statements }: JudgedMigration): string[] {
  return statements.flatMap(({ kind, node }) => {
    if (kind === 'CreateStmt') return [tableName(field(node, 'relation'))];
    return kind === 'CreateTableAsStmt' ? [tableName(field(field(node, 'into'), 'rel'))] : [];
  });
}

/** A check that was validated, or is about to be in the same migration. */
function isKnownNotNull(before: readonly JudgedMigration[], table: string, column: string): boolean {
  return before.some((migration) => {
    const checks = addedConstraints(migration).filter(
      (one) =>
        one.table === table && one.contype === 'CONSTR_CHECK' && isNotNull(field(one.constraint, 'raw_expr'), column),
    );
    return checks.some(({ constraint }) => {
      const name = text(constraint, 'conname');
      const validated = before.some((other) =>
        alterations(other).some(
          (one) => one.type === 'AT_ValidateConstraint' && one.table === table && one.name === name,
        ),
      );
      return constraint.skip_validation !== true || validated;
    });
  });
}

function isNotNull(expression: Node | undefined, column: string): boolean {
  const test = field(expression, 'NullTest');
  const ref = field(field(test, 'arg'), 'ColumnRef');
  return test?.nulltesttype === 'IS_NOT_NULL' && nodes(ref, 'fields').at(-1)?.node.sval === column;
}

interface IndexRow {
  table: string;
  columns: string[];
  isPrimary: boolean;
}

/** Once all migrations have run; a table without any index is there, too. */
async function indexesOf(context: CommandContext, project: Project, history: History): Promise<IndexRow[] | null> {
  const database = await context.database(project);
  const surroundings = { project, history, database, shadow: context.shadowUrl(project), release: undefined };
  const rows = withSteps(surroundings, orderMigrations(history.manifests), ({ database: replayed }) =>
    withConnection({ ...replayed, applicationName: 'phase check' }, (db) =>
      all<IndexRow>(
        db,
        `SELECT n.nspname || '.' || c.relname AS "table", coalesce(i.indisprimary, false) AS "isPrimary",
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number ORDER BY k.place) AS columns
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indpred IS NULL
         WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`,
      ),
    ),
  );
  // That they do not run is a finding of its own.
  return rows.catch((error) => {
    if (error instanceof PhaseError) return null;
    throw error;
  });
}

/** Null without a database; one that cannot be asked is a finding of its own. */
async function sizesOf(context: CommandContext, project: Project): Promise<Map<string, number> | null> {
  const database = await context.database(project);
  if (database.connection === undefined) return null;
  try {
    const rows = await withConnection({ ...database, applicationName: 'phase check' }, (db) =>
      all<{ name: string; bytes: string }>(
        db,
        `SELECT n.nspname || '.' || c.relname AS name, pg_catalog.pg_total_relation_size(c.oid)::text AS bytes
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_'`,
      ),
    );
    return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
  } catch (error) {
    if (error instanceof PhaseError) return null;
    throw error;
  }
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgeContext, JudgedMigration, Node } from '../../checks/rule.ts';
import { RULES } from '../../checks/rules/index.ts';
import { hasKey, isIndexed, isNeverNull, type SchemaFacts } from '../../checks/schema-facts.ts';
import { silenced } from '../../checks/silences.ts';
import { addedConstraints, alterations, field, madeBy, nodes, objectName, text } from '../../checks/syntax.ts';
import { checkUnusedVersions, type ListedVersion } from '../../checks/unused-versions.ts';
import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import { ownSessionOf } from '../../project/database.ts';
import type { History } from '../../project/history.ts';
import { fileOf } from '../../project/migrations.ts';
import { findUsages } from '../../usages/find.ts';
import type { CommandContext } from '../context.ts';
import { type Around, factsAround, sizesOf } from './catalog.ts';
import { judgedMigration, type Seen } from './judged-migration.ts';
import { checkBySquawk } from './squawk.ts';

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
  if (entries.every(({ entry }) => known?.has(entry.id)))
    return known === null ? unusedVersions(project.root, history) : [];
  const facts = seen === null ? { before: null, after: null } : await factsAround(context, project, history);
  const schemaOf = schemaIn(facts, (await ownSessionOf(project)).searchPath ?? []);
  const judged: JudgedMigration[] = [];
  for (const { release, entry } of entries) {
    const file = fileOf(history.files, entry);
    if (file !== undefined) judged.push(await judgedMigration(project, { release, entry, file }, seen, schemaOf));
  }
  const added = judged.filter(({ id }) => !known?.has(id));
  const sizes = await sizesOf(context, project);
  const isNew = newnessOf(judged, facts.before, schemaOf);
  const shared = { project, history, judged, facts, sizes, schemaOf, isNew };
  const findings: Finding[] = [];
  const squawked = await checkBySquawk(project.root, added, isNew);
  for (const migration of added) {
    findings.push(...(await findingsOf(migration, contextOf(shared, migration), project, squawked)));
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
  context: JudgeContext,
  project: Project,
  squawked: readonly Finding[],
): Promise<Finding[]> {
  const found: Finding[] = squawked.filter(
    ({ file, code }) => file === migration.file && project.config.check.rules[code] !== 'off',
  );
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

/** What is the same for all that are judged. */
interface Shared {
  readonly project: Project;
  readonly history: History;
  readonly judged: readonly JudgedMigration[];
  readonly facts: Around;
  readonly sizes: ReadonlyMap<string, number> | null;
  readonly schemaOf: (name: string) => string;
  readonly isNew: (name: string) => boolean;
}

/** What is not known is no finding, but for what the statements themselves tell. What comes after a migration is not known to it. */
function contextOf(
  { project, history, judged, facts: { before, after }, sizes, schemaOf, isNew }: Shared,
  at: JudgedMigration,
): JudgeContext {
  return {
    isNew,
    isNewColumn: (table, column) => before?.columns.get(table)?.has(column) === false,
    wasThere: (name) => before?.objects.has(name) === true,
    columnBefore: (table, column) => before?.columns.get(table)?.get(column),
    lostColumns: (name) => {
      const there = after?.columns.get(name);
      const had = [...(before?.columns.get(name)?.keys() ?? [])];
      return there === undefined ? [] : had.filter((column) => !there.has(column));
    },
    keyBefore: (table, name) =>
      before?.constraints.find((one) => one.table === table && one.name === name && /[up]/.test(one.type))?.type,
    isPartitioned: (table) => (after ?? before)?.partitioned.has(table) === true,
    sizeOf: (table) => sizes?.get(table) ?? null,
    isKnownNotNull: (table, column) =>
      (before !== null && isNeverNull(before, table, column)) ||
      isKnownNotNull(judged.slice(0, judged.indexOf(at) + 1), table, column),
    isIndexed: (table, columns) => {
      const there = after?.columns.get(table);
      // What has another name by now, or is gone, is nobody's concern.
      if (after === null || there === undefined || !columns.every((column) => there.has(column))) return true;
      return isIndexed(after, table, columns);
    },
    columnsOfIndex: (table, names) =>
      [before, after]
        .flatMap((facts) => facts?.indexes ?? [])
        .find((one) => one.table === table && names.some((name) => one.name.endsWith(`.${name}`)))?.columns,
    hasKey: (table) => after === null || !after.columns.has(table) || hasKey(after, table),
    schemaOf,
    usagesOf: async (column, table) => {
      const found = await findUsages(history, { from: column, table: { name: table.replace(/^.*\./, '') } });
      return found.filter(({ certainty }) => certainty === 'sure');
    },
    requires: { ticket: project.config.check.ticket },
  };
}

/** Whether a name is of something that no release had before: by what there was, or where that is not known by what the statements make. */
function newnessOf(
  judged: readonly JudgedMigration[],
  before: SchemaFacts | null,
  schemaOf: (name: string) => string,
): (name: string) => boolean {
  if (before === null) {
    const made = newIn(judged, schemaOf);
    return (name) => made.has(name);
  }
  const renamed = renamedIn(judged, before);
  return (name) => !before.objects.has(name) && !renamed.has(name);
}

/** Under the search path of the application. */
function schemaIn({ before, after }: Around, searchPath: readonly string[]): (name: string) => string {
  const path = [...searchPath.filter((schema) => schema !== '$user'), 'public'];
  return (name) => {
    if (name.startsWith('pg_')) return 'pg_catalog';
    const isIn = (schema: string): boolean =>
      [before, after].some((facts) => facts?.objects.has(`${schema}.${name}`) === true);
    return path.find(isIn) ?? path[0] ?? 'public';
  };
}

/** New names of what was there before under another one. */
function renamedIn(judged: readonly JudgedMigration[], before: SchemaFacts): ReadonlySet<string> {
  const renamed = new Set<string>();
  for (const { kind, node } of judged.flatMap(({ statements }) => statements)) {
    const { schemaname, relname } = (node.relation ?? {}) as { schemaname?: string; relname?: string };
    const old = `${schemaname}.${relname}`;
    if (!before.objects.has(old) && !renamed.has(old)) continue;
    if (kind === 'AlterObjectSchemaStmt') renamed.add(`${text(node, 'newschema')}.${relname}`);
    if (kind === 'RenameStmt' && text(node, 'subname') === '') renamed.add(`${schemaname}.${text(node, 'newname')}`);
  }
  return renamed;
}

/** What was not there before: neither made anew nor perhaps made before. */
function newIn(judged: readonly JudgedMigration[], schemaOf: (name: string) => string): ReadonlySet<string> {
  const [made, dropped] = [new Set<string>(), new Set<string>()];
  for (const statement of judged.flatMap(({ statements }) => statements)) {
    const { kind, node } = statement;
    if (kind === 'DropStmt') for (const object of nodes(node, 'objects')) dropped.add(objectName(object, schemaOf));
    const name = madeBy(statement, schemaOf);
    if (name !== null && !dropped.has(name) && node.replace !== true) made.add(name);
  }
  return made;
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

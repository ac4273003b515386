import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgeContext, JudgedMigration, Node } from '../../checks/rule.ts';
import { RULES } from '../../checks/rules/index.ts';
import { silenced } from '../../checks/silences.ts';
import { addedConstraints, alterations, field, madeBy, nodes, objectName, text } from '../../checks/syntax.ts';
import { checkUnusedVersions, type ListedVersion } from '../../checks/unused-versions.ts';
import type { Finding } from '../../domain/finding.ts';
import type { Project } from '../../project/config.ts';
import type { History } from '../../project/history.ts';
import { fileOf } from '../../project/migrations.ts';
import { findUsages } from '../../usages/find.ts';
import type { CommandContext } from '../context.ts';
import { judgedMigration, type Seen } from './judged-migration.ts';
import { checkBySquawk } from './squawk.ts';
import { indexesOf, sizesOf } from './tables.ts';

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
  const made = newIn(judged);
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

/** What was not there before: neither made anew nor perhaps made before. */
function newIn(judged: readonly JudgedMigration[]): ReadonlySet<string> {
  const [made, dropped] = [new Set<string>(), new Set<string>()];
  for (const statement of judged.flatMap(({ statements }) => statements)) {
    const { kind, node } = statement;
    if (kind === 'DropStmt') for (const object of nodes(node, 'objects')) dropped.add(objectName(object));
    const name = madeBy(statement);
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

import { join } from 'node:path';
import { readColumn } from '../catalog/column.ts';
import { findTable } from '../catalog/find-table.ts';
import { checkExpression, printedDefault } from '../catalog/given-expression.ts';
import { countRows } from '../data/count.ts';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified, slug } from '../domain/identifier.ts';
import type { ManifestEntry } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import { type Code, importsOf } from '../objects/code.ts';
import { timestamp } from '../planner/rename/plan.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum } from '../project/checksum.ts';
import { type FileChange, writeFiles } from '../project/files.ts';
import { folders, migrationFolder } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { printString } from '../scaffold/code.ts';
import { printImports } from '../scaffold/rename.ts';
import { render } from '../scaffold/templates.ts';
import { afterExisting, sourceOf, type WrittenFile } from './files.ts';

/** A change of a column that one release brings, as it is to be written. */
export interface OneReleaseDraft {
  readonly migrations: readonly DraftedMigration[];
  /** Versions of functions and triggers that they call, relative to the root. */
  readonly sources?: readonly { readonly path: string; readonly content: string }[];
  /** Why one release is enough, and what it waits for. */
  readonly why: string;
}

interface DraftedMigration {
  readonly kind: 'schema' | 'data';
  readonly name: string;
  readonly extension: 'ts' | 'sql';
  readonly content: string;
  /** Whether releases before its own cannot live once it has run. */
  readonly breaks: boolean;
}

interface Place {
  readonly table: string;
  readonly column: string;
}

/**
 * Drafts that a column becomes NOT NULL. Older releases may write NULL as long as they are alive, so both steps wait for these.
 * @param fill SQL of the row for those that have none.
 * @throws PH1007, PH1008, PH1015 when it is so already, PH1004 when rows have none and nothing fills them, PH1043.
 */
export async function draftNotNull(
  db: Queryable,
  { table: name, column }: Place,
  { fill, isTolerated }: { readonly fill: string | null; readonly isTolerated: boolean },
): Promise<OneReleaseDraft> {
  const table = await findTable(db, name);
  const facts = await readColumn(db, table.oid, table, column);
  const on = quoteQualified(table);
  if (facts.notNull && facts.notNullValidated)
    throw new PhaseError('PH1015', { what: '--column', value: column, allowed: 'a column that may be NULL' });
  const where = `${quoteIdent(column)} IS NULL`;
  const empty = await countRows([db], on, where);
  if (empty > 0 && fill === null) {
    const question = `What do ${empty} rows of ${on} get, whose ${column} is NULL?`;
    throw new PhaseError('PH1004', { question, flag: '--fill' });
  }
  if (fill !== null) await checkExpression(db, table, { expression: fill, column, type: facts.type });
  const stem = `${slug(table.name)}_${slug(column)}`;
  const view = { table: on, column };
  const key = /^[A-Za-z_$][\w$]*$/.test(column) ? column : printString(column);
  const filled = render('migration/fill.ts', { ...view, key, value: fill ?? '', where });
  const breaks = !isTolerated;
  return {
    migrations: [
      ...(fill === null
        ? []
        : [{ kind: 'data' as const, name: `${stem}_fill`, extension: 'ts' as const, content: filled, breaks }]),
      {
        kind: 'schema',
        name: `${stem}_not_null`,
        extension: 'ts',
        content: render('migration/not-null.ts', view),
        breaks,
      },
    ],
    why: `One release: its own code gives ${column} a value in every row. Releases before it may still write NULL, ${isTolerated ? 'which --tolerated says that they do not' : 'so what it brings is held until none of them is alive'}.`,
  };
}

/**
 * Drafts another default of a column: catalogue alone, and rows that are there stay as they are.
 * @throws PH1007, PH1008, PH1015 for a generated column, PH1043 for an expression that is no default of it.
 */
export async function draftDefault(
  db: Queryable,
  { table: name, column }: Place,
  expression: string,
): Promise<OneReleaseDraft> {
  const table = await findTable(db, name);
  const facts = await readColumn(db, table.oid, table, column);
  if (facts.generated !== null || facts.identity)
    throw new PhaseError('PH1015', {
      what: '--column',
      value: column,
      allowed: 'a column that is neither generated nor an identity',
    });
  const printed = await printedDefault(db, { expression, column, type: facts.type });
  const alter = `ALTER TABLE ${quoteQualified(table)} ALTER COLUMN ${quoteIdent(column)}`;
  const back = facts.default === null ? 'DROP DEFAULT' : `SET DEFAULT ${facts.default.expression}`;
  const content = render('migration/from-diff.sql', {
    up: [`${alter} SET DEFAULT ${printed}`],
    down: [`${alter} ${back}`],
    isAlone: false,
  });
  const migration = {
    kind: 'schema',
    name: `${slug(table.name)}_${slug(column)}_default`,
    extension: 'sql',
    content,
    breaks: false,
  } as const;
  return {
    migrations: [migration],
    why: `One release, and nothing waits: a default counts for rows that are inserted without ${column}, by releases of any age, and no row that is there changes.`,
  };
}

/** A migration of calls. @param settings its `config`, as text. */
export function printedSteps(title: string, up: readonly Code[], down: readonly Code[], settings = ''): string {
  const imports = importsOf([...up, ...down]).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return render('migration/steps.ts', { title, up, down, settings, imports: printImports(imports) });
}

/** Writes a draft into an open release: all of its files, or none. @returns what was written. */
export async function writeOneRelease(
  history: History,
  { migrations, sources = [] }: OneReleaseDraft,
  { release, now }: { readonly release: Release; readonly now: Date },
): Promise<WrittenFile[]> {
  const begins = afterExisting(history, now);
  const files: FileChange[] = [];
  const entries: ManifestEntry[] = [];
  for (const [at, { kind, name, extension, content, breaks }] of migrations.entries()) {
    const id = `${timestamp(begins, at)}_${name}`;
    const before = entries.at(-1);
    files.push({ path: join(migrationFolder(kind), `${id}.${extension}`), content, mode: 'create' });
    entries.push({
      id,
      kind,
      sha256: checksum(content),
      ...(before === undefined ? {} : { after: [before.id] }),
      ...(breaks ? { breaks: `<${release}` } : {}),
    });
  }
  const addSources = sources.map(({ path, content }) => sourceOf(path, content));
  const manifest = await changeManifest(history.root, { release, add: entries, addSources });
  const versions = sources.map((source) => ({ ...source, mode: 'create' as const }));
  await writeFiles(history.root, [...files, ...versions, manifest]);
  const written = (path: string, kind: WrittenFile['kind']): WrittenFile => ({ path, release, phase: 1, kind });
  return [
    ...files.map(({ path }, at) => written(path, migrations[at]?.kind ?? 'schema')),
    ...sources.map(({ path }) => written(path, path.startsWith(folders.functions) ? 'function' : 'trigger')),
    written(manifest.path, 'manifest'),
  ];
}

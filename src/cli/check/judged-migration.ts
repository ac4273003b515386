import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgedMigration, JudgedStatement, Node } from '../../checks/rule.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { ManifestEntry } from '../../domain/manifest.ts';
import type { Release } from '../../domain/release.ts';
import { parse } from '../../postgres/parser.ts';
import { withoutBom } from '../../project/checksum.ts';
import type { Project } from '../../project/config.ts';
import { loadMigration, type MigrationFile } from '../../project/migrations.ts';
import type { ObservedTouches } from '../../replay/touches.ts';
import { statementsInDo } from './do-blocks.ts';

/** What was seen of the migrations; null where they were not run. */
export type Seen = Pick<ObservedTouches, 'statements' | 'rewritten' | 'locks'> | null;

interface Listed {
  readonly release: Release;
  readonly entry: ManifestEntry;
  readonly file: MigrationFile;
}

/** Reads a migration as rules judge it: by what its script says, or by what its module was seen to send. */
export async function judgedMigration(
  project: Project,
  { release, entry, file }: Listed,
  seen: Seen,
  schemaOf: (name: string) => string,
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
    statements: await statementsOf(content, texts, schemaOf),
    isInTransaction: loaded?.transaction ?? true,
    rewritten: new Set(seen?.rewritten.get(entry.id) ?? []),
    locks: seen?.locks.get(entry.id) ?? new Map(),
    settings: { ticket: loaded?.ticket ?? null },
  };
}

/** What stands in a file is found in it; what a module puts together may not be. */
async function statementsOf(
  content: string,
  texts: readonly string[],
  schemaOf: (name: string) => string,
): Promise<JudgedStatement[]> {
  const statements: JudgedStatement[] = [];
  let from = 0;
  for (const sql of texts) {
    const bare = sql.replace(/^(?:\s*--[^\n]*\n|\s*\/\*.*?\*\/|\s+)*/s, '').trimEnd();
    const at = bare === '' ? -1 : content.indexOf(bare, from);
    if (at !== -1) from = at + bare.length;
    const line = at === -1 ? null : content.slice(0, at).split('\n').length;
    const lastLine = line === null ? null : line + bare.split('\n').length - 1;
    for (const judged of await judgedStatements(sql, { line, lastLine }, schemaOf)) {
      statements.push(judged);
      if (judged.kind !== 'DoStmt') continue;
      for (const inner of await statementsInDo(bare, judged.node)) {
        const below = line === null ? null : line + inner.below;
        statements.push(...(await judgedStatements(inner.sql, { line: below, lastLine: below }, schemaOf)));
      }
    }
  }
  return statements;
}

async function judgedStatements(
  sql: string,
  place: Pick<JudgedStatement, 'line' | 'lastLine'>,
  schemaOf: (name: string) => string,
): Promise<JudgedStatement[]> {
  const trees = await parse(sql).catch(() => null);
  return (trees?.stmts ?? []).map(({ stmt }) => {
    const tree = withSchemas(stmt ?? {}, schemaOf) as Record<string, Node>;
    const [kind = null, node = {}] = Object.entries(tree)[0] ?? [];
    return { sql, ...place, kind, node };
  });
}

/** Relations with the schemas in which they are found. */
function withSchemas(tree: unknown, schemaOf: (name: string) => string): unknown {
  if (Array.isArray(tree)) return tree.map((one) => withSchemas(one, schemaOf));
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree).map(([key, value]) => [key, withSchemas(value, schemaOf)] as const);
  const node = Object.fromEntries(entries);
  const isRelation = typeof node.relname === 'string' && !node.schemaname;
  return isRelation ? { ...node, schemaname: schemaOf(String(node.relname)) } : node;
}

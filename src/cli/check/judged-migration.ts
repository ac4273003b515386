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
    for (const judged of await judgedStatements(sql, line)) {
      statements.push(judged);
      if (judged.kind !== 'DoStmt') continue;
      for (const inner of await statementsInDo(sql, judged.node))
        statements.push(...(await judgedStatements(inner.sql, line === null ? null : line + inner.below)));
    }
  }
  return statements;
}

async function judgedStatements(sql: string, line: number | null): Promise<JudgedStatement[]> {
  const trees = await parse(sql).catch(() => null);
  return (trees?.stmts ?? []).map(({ stmt }) => {
    const [kind = null, node = {}] = Object.entries((stmt ?? {}) as unknown as Record<string, Node>)[0] ?? [];
    return { sql, line, kind, node };
  });
}

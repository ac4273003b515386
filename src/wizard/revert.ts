import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Release } from '../domain/release.ts';
import { orderMigrations } from '../planner/order.ts';
import { timestamp } from '../planner/rename/plan.ts';
import { changeManifest } from '../project/change-manifest.ts';
import { checksum, withoutBom } from '../project/checksum.ts';
import type { FileChange } from '../project/files.ts';
import { migrationFolder } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { fileOf } from '../project/migrations.ts';
import { scriptParts, withoutNoTransaction } from '../project/sql-migration.ts';
import { afterExisting } from './files.ts';

/**
 * The migration that takes another one back, for an environment in which nothing is undone: its way back is the way there.
 * Nothing is written.
 * @throws PH1016 for an id that no manifest lists, PH1041 for one that has no way back, or whose way back is phase's own.
 */
export async function draftRevert(
  history: History,
  id: string,
  { release, now }: { readonly release: Release; readonly now: Date },
): Promise<FileChange[]> {
  const entry = orderMigrations(history.manifests).find((one) => one.id === id);
  const file = entry && fileOf(history.files, entry);
  if (entry === undefined || file === undefined)
    throw new PhaseError('PH1016', { id, known: history.files.map((one) => one.id) });
  if (entry.rename !== undefined)
    throw new PhaseError('PH1041', {
      id,
      reason: `It is a step of the rename ${entry.rename}, whose way back is that of its phases.`,
    });
  const text = withoutBom(await readFile(join(history.root, file.path), 'utf8'));
  const reverted = file.path.endsWith('.sql') ? revertedScript(text) : revertedModule(text);
  if (reverted === null) throw new PhaseError('PH1041', { id, reason: 'It has no way back that could be taken.' });
  const name = basename(id)
    .replace(/^\d+[_-]?/, '')
    .slice(0, 80);
  const fresh = `${timestamp(afterExisting(history, now), 0)}_revert_${name}`;
  const content = reverted.replaceAll(id, fresh);
  const path = join(migrationFolder(entry.kind), `${fresh}${extname(file.path)}`);
  const manifest = await changeManifest(history.root, {
    release,
    add: [{ id: fresh, kind: entry.kind, sha256: checksum(content) }],
  });
  return [{ path, content, mode: 'create' }, manifest];
}

/** Null for a script without a way back. */
function revertedScript(text: string): string | null {
  const { up, down } = scriptParts(text);
  if (down === null || down.trim() === '') return null;
  const there = withoutNoTransaction(up);
  const alone = there === up.trim() ? '' : '-- phase:no-transaction\n\n';
  return `${alone}${down.trim()}\n\n-- phase:down\n${there}\n`;
}

/** What it exports as `up` is `down`, and the other way round. */
function revertedModule(text: string): string | null {
  const EXPORTED = /\bexport\s+(?:async\s+)?(?:function|const|let)\s+(up|down)\b|\bexports\.(up|down)\s*=/g;
  const names = [...text.matchAll(EXPORTED)].map(([, one, other]) => one ?? other);
  if (!names.includes('up') || !names.includes('down') || names.length !== 2) return null;
  return text.replace(EXPORTED, (whole, one, other) => {
    const name = one ?? other;
    return whole.replace(new RegExp(`\\b${name}\\b(?=\\s*=?$)`), name === 'up' ? 'down' : 'up');
  });
}

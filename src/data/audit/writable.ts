import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { AuditStore } from '../../ledger/audits.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { folders } from '../../project/folders.ts';

/**
 * Audits can be written where they are kept, or on their way into the database: asked before anything runs, and not by the first change after hours.
 * @throws PH5025
 */
export async function ensureAuditsWritable(root: string, store: AuditStore): Promise<void> {
  const folder = store === 'files' ? join(root, folders.audits) : tmpdir();
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rmdir(await mkdtemp(join(folder, '.phase-')));
  } catch (error) {
    const shown = store === 'files' ? folders.audits : folder;
    throw new PhaseError('PH5025', { folder: shown, reason: reasonOf(error), store }, { cause: error });
  }
}

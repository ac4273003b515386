import { mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reasonOf } from '../../postgres/errors.ts';
import { folders } from '../../project/folders.ts';
import type { AuditStore } from './record.ts';

/**
 * Audits can be written where they are kept, or on their way into the database: asked before anything runs, and not by the first change after hours.
 * @throws PH5025
 */
export async function ensureAuditsWritable(root: string, store: AuditStore, run: string): Promise<void> {
  const folder = store === 'files' ? join(root, folders.audits) : tmpdir();
  const file = join(folder, `.phase-${run}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await (await open(file, 'wx')).close();
    await rm(file);
  } catch (error) {
    const shown = store === 'files' ? folders.audits : folder;
    throw new PhaseError('PH5025', { folder: shown, reason: reasonOf(error), store }, { cause: error });
  }
}

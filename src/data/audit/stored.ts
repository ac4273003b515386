import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { type Audit, hasChunks, readChunk } from '../../ledger/audits.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';

/** What became of an audit's bytes. */
export type AuditState = 'ok' | 'changed' | 'short' | 'missing' | 'unreadable';

/** The bytes as stored, from the disk or from the database. */
function storedBytes(db: LedgerDb, root: string, audit: Audit): Readable {
  return audit.store === 'files' ? createReadStream(join(root, audit.file)) : Readable.from(chunksOf(db, audit.number));
}

async function* chunksOf(db: LedgerDb, audit: string): AsyncGenerator<Buffer> {
  for (let number = 0; ; number++) {
    const bytes = await readChunk(db, audit, number);
    if (bytes === undefined) return;
    yield bytes;
  }
}

/** Whether the bytes are there; says nothing of what they are. */
export async function isStored(db: LedgerDb, root: string, audit: Audit): Promise<boolean> {
  if (audit.store === 'files') return existsSync(join(root, audit.file));
  return hasChunks(db, audit.number);
}

/** Reads all bytes and compares them with what the ledger keeps. */
export async function verifyAudit(db: LedgerDb, root: string, audit: Audit): Promise<AuditState> {
  if (!(await isStored(db, root, audit))) return 'missing';
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of storedBytes(db, root, audit)) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    // What the disk refuses is said of this audit, and the others are looked at all the same.
    if (audit.store === 'files') return 'unreadable';
    throw error;
  }
  if (hash.digest('hex') === audit.sha256) return 'ok';
  return bytes < audit.bytes ? 'short' : 'changed';
}

/**
 * The CSV of an audit, which is verified before a byte of it is given.
 * @throws PH3016 when it is not what was written.
 */
export async function openAudit(db: LedgerDb, root: string, audit: Audit): Promise<Readable> {
  const state = await verifyAudit(db, root, audit);
  if (state !== 'ok') throw new PhaseError('PH3016', { file: audit.file, reason: REASONS[state] });
  const bytes = storedBytes(db, root, audit);
  return audit.gzip ? pipeline(bytes, createGunzip(), () => undefined) : bytes;
}

const REASONS: Readonly<Record<Exclude<AuditState, 'ok'>, string>> = {
  missing: 'It is not where it was written.',
  unreadable: 'It cannot be read: it is no file, or its permissions do not allow it.',
  short: 'It has been cut short since it was written.',
  changed: 'Its SHA-256 is not the one that the ledger keeps.',
};

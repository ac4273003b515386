import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Manifest } from '../domain/manifest.ts';

/** What editors of some systems put in front of a text, and others take away. */
const BOM = '\uFEFF';

/** A text without a byte order mark, which PostgreSQL takes for a part of the first statement. */
export const withoutBom = (text: string): string => (text.startsWith(BOM) ? text.slice(BOM.length) : text);

/** SHA-256 of a text in hexadecimal; line endings and a byte order mark do not count. */
export function checksum(text: string): string {
  return sha256(withoutBom(text));
}

const sha256 = (text: string): string => createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');

/** The checksum of a file, or null when there is none. */
export function fileChecksum(file: string): string | null {
  const text = textOf(file);
  return text === null ? null : checksum(text);
}

/** Whether a file is what its checksum says; also one that was taken when a byte order mark still counted. */
export function hasChecksum(file: string, wanted: string): boolean {
  const text = textOf(file);
  if (text === null) return false;
  return checksum(text) === wanted || sha256(BOM + withoutBom(text)) === wanted;
}

/** At once: of hundreds of small files each would take ten times as long by a promise. Null where it cannot be read. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** The sum of a released manifest over all that it lists; its form is fixed in docs/formats.md. */
export function manifestSum(manifest: Pick<Manifest, 'migrations' | 'sources' | 'replaces' | 'earlier'>): string {
  const lines = [
    ...manifest.migrations.map((entry) => [
      'migration',
      entry.id,
      entry.kind,
      entry.sha256,
      entry.rename ?? null,
      entry.phase ?? null,
      entry.after ?? null,
      entry.touches ?? null,
      entry.breaks ?? null,
      ...(entry.step === undefined ? [] : [entry.step]),
      ...(entry.file === undefined ? [] : [{ file: entry.file }]),
      ...(entry.transaction === undefined ? [] : [{ transaction: entry.transaction }]),
    ]),
    ...manifest.sources.map((source) => ['source', source.file, source.sha256]),
    ...(manifest.replaces ?? []).map((id) => ['replaces', id]),
    ...(manifest.earlier ?? []).map(({ ids, replaces }) => ['earlier', ids, replaces]),
  ].map((line) => `${JSON.stringify(line)}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}

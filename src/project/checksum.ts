import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Manifest } from '../domain/manifest.ts';

/** SHA-256 of a text in hexadecimal; line endings do not count. */
export function checksum(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
}

/** The checksum of a file, or null when there is none. */
export async function fileChecksum(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : checksum(text);
}

/** The sum of a released manifest over all that it lists; its form is fixed in docs/formats.md. */
export function manifestSum(manifest: Pick<Manifest, 'migrations' | 'sources'>): string {
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
    ]),
    ...manifest.sources.map((source) => ['source', source.file, source.sha256]),
  ].map((line) => `${JSON.stringify(line)}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}

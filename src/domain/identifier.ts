import { createHash } from 'node:crypto';

/** PostgreSQL keeps this many bytes of a name (NAMEDATALEN - 1) and silently cuts the rest. */
export const MAX_IDENTIFIER_BYTES = 63;

/** A relation, type or function by its schema and its name, both as stored in the catalogue (not quoted). */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** Quotes a name as an SQL identifier. Always quoted, so that no keyword and no case folding can interfere. */
export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string as an SQL literal, whatever `standard_conforming_strings` is set to. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** A dollar quote that nothing inside can end. */
export function dollarTag(inside: string): string {
  let tag = '$triphase$';
  for (let number = 1; inside.includes(tag); number++) tag = `$triphase_${number}$`;
  return tag;
}

/** `"schema"."name"`. */
export function quoteQualified({ schema, name }: QualifiedName): string {
  return `${quoteIdent(schema)}.${quoteIdent(name)}`;
}

/** How many of PostgreSQL's bytes a name takes, in UTF-8. */
export function identifierBytes(name: string): number {
  return Buffer.byteLength(name, 'utf8');
}

/** Eight hexadecimal digits that stand for the whole of a text; equal texts give equal digits. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * Joins a stem and a suffix to a name of at most 63 bytes. A stem that has to be cut keeps a hash of its whole, so
 * that two long stems that begin alike never give the same name.
 */
export function deriveName(stem: string, suffix: string): string {
  const whole = stem + suffix;
  if (identifierBytes(whole) <= MAX_IDENTIFIER_BYTES) return whole;
  const tail = `_${shortHash(stem)}${suffix}`;
  return cutToBytes(stem, MAX_IDENTIFIER_BYTES - identifierBytes(tail)) + tail;
}

/** The longest beginning of `text` that fits in `bytes` without splitting a character. */
function cutToBytes(text: string, bytes: number): string {
  let kept = '';
  for (const character of text) {
    if (identifierBytes(kept + character) > bytes) break;
    kept += character;
  }
  return kept;
}

/**
 * A word of `[a-z0-9_]` for use in file and function names. Where the name loses anything on the way, a hash of it is
 * appended: `Weird "Name"` and `weird__name_` stay apart.
 */
export function slug(name: string): string {
  if (/^[a-z0-9_]+$/.test(name)) return name;
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return `${plain}${plain === '' ? '' : '_'}${shortHash(name)}`;
}

const UNITS: Record<string, number> = { b: 1, k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3, t: 1_024 ** 4 };
const FORM = /^(\d+(?:\.\d+)?)\s*(b|bytes?|[kmgt]i?b?)?$/i;

/** What `readSize` takes, for messages. */
export const SIZE_FORM = 'a number of bytes, or a size such as 512kB, 16MB or 1GB';

/** Bytes of a size; null when the text is none. Units are powers of 1,024, as in PostgreSQL. */
export function readSize(text: string | number): number | null {
  const match = FORM.exec(String(text).trim());
  if (!match) return null;
  return Math.round(Number(match[1]) * (UNITS[(match[2] ?? 'b')[0]?.toLowerCase() ?? 'b'] ?? 1));
}

import { PhaseError } from '../domain/errors/phase-error.ts';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const FORM = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?$/i;

/** What `parseDuration` takes, for messages. */
export const DURATION_FORM = 'a number of seconds, or a duration such as 500ms, 30s, 10min or 2h';

/** Milliseconds of a duration; null when the text is none. A bare number is seconds. */
export function readDuration(text: string | number): number | null {
  const match = FORM.exec(String(text).trim());
  if (!match) return null;
  const word = (match[2] ?? 's').toLowerCase();
  const unit = UNITS[word] ?? UNITS[word.startsWith('min') ? 'min' : (word[0] ?? 's')] ?? 1_000;
  return Number(match[1]) * unit;
}

/** @throws PH1015 naming the flag. */
export function parseDuration(flag: string, text: string): number {
  const milliseconds = readDuration(text);
  if (milliseconds === null) throw new PhaseError('PH1015', { what: flag, value: text, allowed: DURATION_FORM });
  return milliseconds;
}

/** Milliseconds as a person would say them. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

import { FAILSAFE_SCHEMA, load, YAMLException } from 'js-yaml';
import { PhaseError } from '../domain/errors/phase-error.ts';

/** More than any file of a project holds, with all of its aliases followed. */
const MOST_VALUES = 1_000_000;

/**
 * Reads YAML whose every scalar is a text, so that `1.10` and a checksum of digits stay what they are. What is only read is read by js-yaml, which takes a fifth of
 * the time of `yaml`; that keeps comments, and writes.
 * @throws PH3005, PH3028 for one with merge conflicts
 */
export function readYaml(file: string, text: string): unknown {
  ensureNoConflict(file, text);
  try {
    const value = load(text, { schema: FAILSAFE_SCHEMA });
    ensureBounded(value);
    return value;
  } catch (error) {
    throw new PhaseError('PH3005', { file, problems: [problemOf(error)] }, { cause: error });
  }
}

/** What git leaves where two branches have changed the same lines: what it is stands first. */
export function ensureNoConflict(file: string, text: string): void {
  const line = text.split('\n').findIndex((one) => one.startsWith('<<<<<<< '));
  if (line !== -1) throw new PhaseError('PH3028', { file, line: line + 1 });
}

/** Where things are nested deeper than the parser's stack is, it ends with an error of its own. */
function problemOf(error: unknown): string {
  if (error instanceof YAMLException) {
    const { reason, mark } = error;
    return mark === undefined ? reason : `${reason} at line ${mark.line + 1}, column ${mark.column + 1}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Aliases may multiply: a few lines are a thousand million values to whoever goes through them. */
function ensureBounded(value: unknown): void {
  const open: unknown[] = [value];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > MOST_VALUES) throw new Error(`it holds more than ${MOST_VALUES} values, with its aliases`);
    const next = open.pop();
    if (typeof next === 'object' && next !== null) open.push(...Object.values(next));
  }
}

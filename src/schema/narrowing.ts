/** `character varying(80)` as its name and its numbers. */
function taken(type: string): { readonly name: string; readonly numbers: readonly number[] } {
  const [, before = '', list = '', behind = ''] = /^([^(]*)(?:\(([\d,\s-]+)\))?(.*)$/s.exec(type) ?? [];
  const numbers = list === '' ? [] : list.split(',').map(Number);
  return { name: `${before.trim()} ${behind.trim()}`.trim(), numbers };
}

const TEXTS: ReadonlySet<string> = new Set(['text', 'character varying', 'character', 'bit', 'bit varying', 'citext']);
const WHOLE: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint']);
const FRACTIONS: ReadonlySet<string> = new Set(['numeric', 'real', 'double precision']);
const TIMES = /^timestamp|^time\b/;

/**
 * Whether a cast from one type to another gives up a part of values in silence: longer texts are cut off, digits and times are rounded away. What PostgreSQL refuses
 * for a value that does not fit loses nothing.
 */
export function losesInSilence(from: string, to: string): boolean {
  const [old, fresh] = [taken(from), taken(to)];
  const [most] = fresh.numbers;
  if (TEXTS.has(fresh.name) && most !== undefined) {
    const [before] = old.numbers;
    return TEXTS.has(old.name) ? before === undefined || before > most : true;
  }
  if (FRACTIONS.has(old.name) && WHOLE.has(fresh.name)) return true;
  if (old.name === 'double precision' && fresh.name === 'real') return true;
  if (old.name === 'numeric' && (fresh.name === 'real' || fresh.name === 'double precision')) return true;
  if (fresh.name === 'numeric' && fresh.numbers.length > 0 && FRACTIONS.has(old.name))
    return old.numbers.length === 0 || (old.numbers[1] ?? 0) > (fresh.numbers[1] ?? 0);
  if (TIMES.test(old.name)) {
    if (fresh.name === 'date' || (/^timestamp/.test(old.name) && /^time\b/.test(fresh.name))) return true;
    return TIMES.test(fresh.name) && (old.numbers[0] ?? 6) > (fresh.numbers[0] ?? 6);
  }
  return old.name === 'jsonb' ? false : old.name === 'json' && fresh.name === 'jsonb';
}

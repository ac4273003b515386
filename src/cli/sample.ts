import type { SampleRow } from '../catalog/sample-rows.ts';
import { table } from '../report/table.ts';

/** Characters of a value that are shown. */
const WIDEST = 40;

/** Values as they are, as they become, and as they come back where that is another one. */
export function describeSample(rows: readonly SampleRow[]): string {
  if (rows.length === 0) return '\nNo row holds a value.';
  const shown = (value: string | null): string => {
    if (value === null) return 'NULL';
    return value.length > WIDEST ? `${value.slice(0, WIDEST)}…` : value;
  };
  const lines = rows.map(({ before, after, back }) => {
    const isBack = back === before ? '' : `and back: ${shown(back)}`;
    return ['', shown(before), '->', shown(after), isBack];
  });
  return `\nSome values, as they become:\n${table(lines)}`;
}

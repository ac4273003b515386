import { stripVTControlCharacters } from 'node:util';

/** Columns of text, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, stripVTControlCharacters(cell).length);
    });
  }
  const pad = (cell: string, index: number) =>
    cell + ' '.repeat((widths[index] ?? 0) - stripVTControlCharacters(cell).length);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** A part of a text, by its bytes, and what takes its place. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text with some of its parts replaced, the others as they are to the byte. No two parts overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce(
      (bytes, { start, end, text: part }) =>
        Buffer.concat([bytes.subarray(0, start), Buffer.from(part), bytes.subarray(end)]),
      Buffer.from(text),
    )
    .toString();
}

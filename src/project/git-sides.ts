/** The texts of both branches, of a file in which git has left conflicts. */
export interface Sides {
  readonly ours: string;
  readonly theirs: string;
  readonly hasConflict: boolean;
}

/** Without conflicts both are the text itself. */
export function sidesOf(text: string): Sides {
  const ours: string[] = [];
  const theirs: string[] = [];
  let side: 'both' | 'ours' | 'base' | 'theirs' = 'both';
  let hasConflict = false;
  for (const line of text.split('\n')) {
    if (/^<{7} /.test(line)) {
      side = 'ours';
      hasConflict = true;
    } else if (hasConflict && /^\|{7} /.test(line)) side = 'base';
    else if (hasConflict && /^={7}$/.test(line.trimEnd()) && side !== 'both') side = 'theirs';
    else if (hasConflict && /^>{7} /.test(line)) side = 'both';
    else {
      if (side === 'both' || side === 'ours') ours.push(line);
      if (side === 'both' || side === 'theirs') theirs.push(line);
    }
  }
  return { ours: ours.join('\n'), theirs: theirs.join('\n'), hasConflict };
}

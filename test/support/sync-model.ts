import type { DefaultClass } from '../../src/domain/rename.ts';

/** A value of a column in the model; null is NULL. */
export type Value = string | null;

export interface Row {
  readonly old: Value;
  readonly new: Value;
}

/** What the sync makes of a row, and whether it counts as a straggler. */
export interface Synced extends Row {
  readonly straggler: boolean;
}

const both = (value: Value, straggler = false): Synced => ({ old: value, new: value, straggler });

/**
 * The INSERT table of the design, line by line. `row` is what reaches the trigger: defaults are filled in already.
 */
export function modelInsert(row: Row, phase: 1 | 2, kind: DefaultClass, standing: Value): Synced {
  if (row.old === row.new) return both(row.old);
  if (kind === 'constant') {
    if (row.old !== standing && row.new === standing) return both(row.old, phase === 2);
    if (row.new !== standing && row.old === standing) return both(row.new);
    return both(phase === 1 ? row.old : row.new);
  }
  if (row.old === null) return both(row.new);
  if (row.new === null) return both(row.old, phase === 2);
  if (kind === 'volatile') return both(row.old, phase === 2);
  return both(phase === 1 ? row.old : row.new);
}

/** The UPDATE table of the design. */
export function modelUpdate(before: Row, row: Row, phase: 1 | 2): Synced {
  if (row.old === row.new) return both(row.old);
  const oldChanged = row.old !== before.old;
  const newChanged = row.new !== before.new;
  if (oldChanged && !newChanged) return both(row.old, phase === 2);
  if (newChanged && !oldChanged) return both(row.new);
  if (oldChanged && newChanged) return both(phase === 1 ? row.old : row.new);
  if (phase === 1) return both(row.old);
  return both(row.new === null ? row.old : row.new);
}

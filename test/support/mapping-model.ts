/** Values of columns, by their names. */
export type Row = Readonly<Record<string, string | number | null>>;

/** A mapping as its documentation has it, in a language of its own: what the sync has to make of a write. */
export interface MappingModel {
  readonly old: readonly string[];
  readonly fresh: readonly string[];
  /** What columns hold when a row is inserted without them. */
  readonly defaults: Row;
  forward(old: Row): Row;
  /** Null where nothing leads back. */
  readonly back: ((fresh: Row) => Row) | null;
}

const pick = (row: Row, names: readonly string[]): Row =>
  Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
const isSame = (a: Row, b: Row, names: readonly string[]): boolean =>
  names.every((name) => (a[name] ?? null) === (b[name] ?? null));
const isEmpty = (row: Row, names: readonly string[]): boolean => names.every((name) => (row[name] ?? null) === null);

/** Whether one side is what its map makes of the other: by either map. */
export function isInStep({ old, fresh, forward, back }: MappingModel, row: Row): boolean {
  if (isSame(forward(pick(row, old)), row, fresh)) return true;
  return back !== null && isSame(back(pick(row, fresh)), row, old);
}

/**
 * The row that a write leaves.
 * @param before null for a row that is inserted. @param written what the statement gives.
 */
export function written(model: MappingModel, before: Row | null, given: Row, phase: 1 | 2): Row {
  const { old, fresh, defaults, forward, back } = model;
  const row = { ...(before ?? defaults), ...given };
  const base = before ?? { ...pick({}, [...old, ...fresh]), ...defaults };
  const oldGiven = !isSame(row, base, old);
  const newGiven = !isSame(row, base, fresh);
  const toNew = (): Row => ({ ...row, ...forward(pick(row, old)) });
  const toOld = (): Row => {
    if (back !== null) return { ...row, ...back(pick(row, fresh)) };
    return isEmpty(row, fresh) ? { ...row, ...pick({}, old) } : row;
  };
  if (!oldGiven && !newGiven) {
    const isEmptied = phase === 2 && back !== null && isSame(back(pick(row, fresh)), row, old);
    return isEmpty(row, fresh) && !isEmpty(row, old) && !isEmptied ? toNew() : row;
  }
  const loser = phase === 1 ? newGiven : oldGiven;
  if (loser && !isEmpty(row, fresh) && isInStep(model, row)) return row;
  // A row that moves to another partition is inserted there with both sides.
  if (before === null && back === null && oldGiven && newGiven && !isEmpty(row, fresh)) return row;
  if (oldGiven && newGiven) return phase === 1 ? toNew() : toOld();
  return oldGiven ? toNew() : toOld();
}

/** A row of the table that a value leaves, and of the one that it comes to. */
export interface SourceRow {
  readonly id: number;
  key: number | null;
  value: string | null;
}
export interface TargetRow {
  readonly id: number;
  key: number;
  value: string | null;
}

/** What the triggers of a move have to make of writes, rule by rule as docs/changes.md has them. */
export class MoveModel {
  readonly source = new Map<number, SourceRow>();
  readonly target = new Map<number, TargetRow>();
  phase: 1 | 2 = 1;
  readonly #missing: 'create' | 'skip';
  readonly isUnique: boolean;
  /** What both columns get where nothing is given. */
  readonly #standing: string | null;
  /** Rows that the triggers have made, as they are found: their ids are not known. */
  readonly made: TargetRow[] = [];

  constructor({
    missing,
    isUnique,
    standing,
  }: {
    readonly missing: 'create' | 'skip';
    readonly isUnique: boolean;
    readonly standing: string | null;
  }) {
    this.#standing = standing;
    this.#missing = missing;
    this.isUnique = isUnique;
  }

  /** @param given undefined where the column is left out. */
  insertSource(id: number, key: number | null, given: string | null | undefined): void {
    const at = this.#targetAt(key);
    const sibling = this.#sourcesAt(key)[0];
    const value = given === undefined ? this.#standing : given;
    const row = { id, key, value };
    const isGiven = value !== this.#standing;
    if (!isGiven && at !== undefined && (this.phase === 2 || at.value !== null)) row.value = at.value;
    if (!isGiven && at === undefined && !this.isUnique && sibling !== undefined) row.value = sibling.value;
    this.source.set(id, row);
    this.#fromSource(row, row.value !== this.#standing);
  }

  updateSource(id: number, change: { readonly key?: number | null; readonly value?: string | null }): void {
    const row = this.source.get(id);
    if (row === undefined) return;
    const { key = row.key, value = row.value } = change;
    const isGiven = value !== row.value;
    if (!isGiven && key === row.key) return;
    const others = this.#sourcesAt(key).filter((one) => one !== row);
    const at = this.#targetAt(key);
    let now = value;
    if (!isGiven && at !== undefined && (this.phase === 2 || (!this.isUnique && others.length > 0))) now = at.value;
    if (!isGiven && at === undefined && !this.isUnique && others[0] !== undefined) now = others[0].value;
    Object.assign(row, { key, value: now });
    this.#fromSource(row, true);
  }

  /** @param given undefined where the column is left out. */
  insertTarget(id: number, key: number, given: string | null | undefined): void {
    const source = this.#sourcesAt(key)[0];
    const value = given === undefined ? this.#standing : given;
    const row = { id, key, value };
    const wins = this.phase === 1 && source !== undefined && source.value !== this.#standing;
    if (source !== undefined && (value === this.#standing || wins)) row.value = source.value;
    this.target.set(id, row);
    this.#fromTarget(row);
  }

  updateTarget(row: TargetRow, change: { readonly key?: number; readonly value?: string | null }): void {
    const { key = row.key, value = row.value } = change;
    const isGiven = value !== row.value;
    if (!isGiven && key === row.key) return;
    const left = row.key;
    const source = this.#sourcesAt(key)[0];
    const now = this.phase === 1 && !isGiven && key !== left && source !== undefined ? source.value : value;
    Object.assign(row, { key, value: now });
    this.#fromTarget(row);
    if (this.phase === 2 && key !== left) for (const one of this.#sourcesAt(left)) one.value = null;
  }

  deleteTarget(row: TargetRow): void {
    this.target.delete(row.id);
    const at = this.made.indexOf(row);
    if (at >= 0) this.made.splice(at, 1);
    if (this.phase === 2) for (const one of this.#sourcesAt(row.key)) one.value = null;
  }

  get targets(): TargetRow[] {
    return [...this.target.values(), ...this.made];
  }

  #fromSource(row: SourceRow, isWritten: boolean): void {
    const at = this.#targetAt(row.key);
    if (at !== undefined) at.value = row.value;
    if (!this.isUnique && isWritten) for (const one of this.#sourcesAt(row.key)) one.value = row.value;
    if (at === undefined && row.key !== null && row.value !== null && this.#missing === 'create')
      this.made.push({ id: -1 - row.id, key: row.key, value: row.value });
  }

  #fromTarget({ key, value }: TargetRow): void {
    for (const one of this.#sourcesAt(key)) one.value = value;
  }

  #targetAt(key: number | null): TargetRow | undefined {
    return this.targets.find((row) => row.key === key);
  }

  #sourcesAt(key: number | null): SourceRow[] {
    return key === null ? [] : [...this.source.values()].filter((row) => row.key === key);
  }
}

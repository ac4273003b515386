import type { Schema } from './facts.ts';
import type { Hazard } from './hazards.ts';
import type { PossibleMove, PossibleRename } from './possible-renames.ts';
import type { Statement } from './statements.ts';

/** What leads from one schema to another one, and what to know of it. */
export interface SchemaDiff {
  /** In an order that runs. */
  readonly statements: readonly Statement[];
  /** What leads back, for the ways down of migrations. */
  readonly back: readonly Statement[];
  /** The facts of the first schema, with the columns renamed that were said to be. */
  readonly from: Schema;
  readonly hazards: readonly Hazard[];
  /** What goes in the wanted schema, and was left: nobody has allowed that its values are lost. */
  readonly kept: readonly string[];
  readonly renames: readonly PossibleRename[];
  readonly moves: readonly PossibleMove[];
  /** What still differs once the statements have run, as PostgreSQL tells it. */
  readonly rest: readonly string[];
  /** Why the statements were not tried, and locks are not known; null where they were. */
  readonly untried: string | null;
}

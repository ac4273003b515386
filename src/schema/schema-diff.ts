import type { Hazard } from './hazards.ts';
import type { PossibleMove, PossibleRename, PossibleTable } from './possible-renames.ts';
import type { Statement } from './statement.ts';

/** What leads from one schema to another one, and what to know of it. */
export interface SchemaDiff {
  /** In an order that runs. */
  readonly statements: readonly Statement[];
  readonly hazards: readonly Hazard[];
  /** What goes in the wanted schema, and was left: nobody has allowed that its values are lost. */
  readonly kept: readonly string[];
  readonly renames: readonly PossibleRename[];
  readonly moves: readonly PossibleMove[];
  readonly tables: readonly PossibleTable[];
  /** What still differs once the statements have run, as PostgreSQL tells it. */
  readonly rest: readonly string[];
  /** Why the statements were not tried, and locks are not known; null where they were. */
  readonly untried: string | null;
  /** What was not compared: kinds of objects that nobody models, and why nobody knows whether anything else differs. */
  readonly uncompared: readonly string[];
}

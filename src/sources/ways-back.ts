import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import type { ReversibleStep, SafeStep } from '../schema/safe-step.ts';
import type { Statement } from '../schema/statement.ts';
import { statementsBetween } from '../schema/statements.ts';
import { withCopy } from './copy.ts';
import type { Surroundings } from './open.ts';

/**
 * Runs steps on a copy of the schema that they begin with, one after the other, and finds for each the statements that lead back from what it leaves to what it
 * found.
 * @throws PH5030 for a step that does not run, PH5031 when the schema cannot be copied.
 */
export async function withWaysBack(
  surroundings: Surroundings,
  from: Schema,
  steps: readonly SafeStep[],
): Promise<ReversibleStep[]> {
  if (steps.length === 0) return [];
  return withCopy(surroundings, from, async ({ db, database, untried }) => {
    if (untried !== null) throw new PhaseError('PH5031', { reason: untried });
    const reversible: ReversibleStep[] = [];
    // Read only where a way back has to be found.
    let known: Schema | null = null;
    for (const step of steps) {
      const before: Schema | null = step.down === null ? (known ?? (await readSchema(database))) : null;
      for (const sql of statementsOf(step)) await run(db, sql);
      known = before === null ? null : await readSchema(database);
      const found = before === null || known === null ? [] : await statementsBetween(known, before);
      reversible.push({ ...step, down: step.down ?? found.map(uncut) });
    }
    return reversible;
  });
}

/** A text of fewer characters without its cast: PostgreSQL refuses values that do not fit, where the cast would cut them off. */
const uncut = ({ sql }: Statement): string =>
  sql.replace(/( ALTER COLUMN .* TYPE character(?: varying)?\(\d+\)) USING .*$/s, '$1');

function statementsOf({ up, index }: SafeStep): readonly string[] {
  if (index === undefined) return up;
  const { on, name, definition, isUnique, isDrop } = index;
  if (!isDrop) return [`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${quoteIdent(name)} ON ${on} ${definition}`];
  return [`DROP INDEX ${quoteQualified({ schema: index.schema, name })}`];
}

async function run(db: Queryable, sql: string): Promise<void> {
  await db.query(sql).catch((error) => {
    throw new PhaseError('PH5030', { statement: sql, reason: reasonOf(error) }, { cause: error });
  });
}

import type { FactBase } from '@supabase/pg-delta';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { sqlName } from '../domain/sql-name.ts';
import type { Database } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import { differencesOf } from '../schema/fingerprint.ts';
import { hazardsOf } from '../schema/hazards.ts';
import { statementsThatKeepData } from '../schema/keep-data.ts';
import { type Observed, observe } from '../schema/observe.ts';
import { possibleMoves, possibleRenames } from '../schema/possible-renames.ts';
import type { SchemaDiff } from '../schema/schema-diff.ts';
import { type Statement, statementsBetween } from '../schema/statements.ts';
import { withCopy } from './copy.ts';
import { readSource, type Surroundings } from './open.ts';
import type { Source } from './source.ts';

/** A column that is renamed: `public.users.email` to `email_address`. */
export interface ChosenRename {
  /** As SQL names it. */
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

export interface DiffOptions {
  readonly from: Source;
  readonly to: Source;
  readonly allowDataLoss: boolean;
  readonly renames: readonly ChosenRename[];
}

/** The statements that lead from one schema to another one, tried on a copy of the first. @throws what reading the sources throws; PH5031 when renames are asked for and the first schema cannot be copied. */
export async function diffSources(surroundings: Surroundings, options: DiffOptions): Promise<SchemaDiff> {
  const [from, to] = [await readSource(surroundings, options.from), await readSource(surroundings, options.to)];
  return diffBetween(surroundings, from, to, options);
}

async function diffBetween(
  surroundings: Surroundings,
  given: Schema,
  to: Schema,
  { allowDataLoss, renames: chosen }: Pick<DiffOptions, 'allowDataLoss' | 'renames'>,
): Promise<SchemaDiff> {
  return withCopy(surroundings, given, async ({ db, database, untried }) => {
    const first = chosen.map((rename) => renameStatement(rename, given.facts));
    if (first.length > 0 && untried !== null) throw new PhaseError('PH5031', { reason: untried });
    for (const { sql } of first) await db.query(sql);
    const from = first.length === 0 ? given : await readSchema(database);
    const { statements, kept } = allowDataLoss
      ? { statements: await statementsBetween(from, to), kept: [] }
      : await statementsThatKeepData(from, to);
    const tried =
      untried === null
        ? await tryAll(db, statements)
        : statements.map((statement): Tried => ({ statement, observed: null, failure: null }));
    const isComplete = untried === null && kept.length === 0;
    return {
      statements: [...first, ...tried.map(({ statement }) => statement)],
      back: await statementsBetween(to, from),
      from,
      hazards: [
        ...first.flatMap((statement) => hazardsOf(statement, null, null)),
        ...tried.flatMap(({ statement, observed, failure }) => hazardsOf(statement, observed, failure)),
      ],
      kept,
      renames: possibleRenames(from.facts, to.facts),
      moves: possibleMoves(from.facts, to.facts),
      rest: isComplete ? await restOf(surroundings, database, to) : [],
      untried,
    };
  });
}

function renameStatement({ table, from, to }: ChosenRename, facts: FactBase): Statement {
  const found = tableNamed(table, facts);
  const named = sqlName(found);
  if (!facts.has({ kind: 'column', schema: found.schema, table: found.name, name: from }))
    throw new PhaseError('PH1008', { table: named, column: from, close: [] });
  return {
    sql: `ALTER TABLE ${quoteQualified(found)} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`,
    object: `column ${named}.${from}`,
    verb: 'alter',
    losesData: false,
    isAlone: false,
    destroys: [],
    subject: null,
  };
}

/** A table as somebody names it in SQL: without a schema it is the one in public, or the only one of that name. @throws PH1007 */
function tableNamed(name: string, facts: FactBase): QualifiedName {
  const tables = facts.facts().flatMap(({ id }) => (id.kind === 'table' ? [id] : []));
  const spoken = name.replaceAll('"', '');
  const found = tables.filter((table) => table.name === spoken || `${table.schema}.${table.name}` === spoken);
  const [only] = found.length > 1 ? found.filter(({ schema }) => schema === 'public') : found;
  if (only === undefined) throw new PhaseError('PH1007', { table: name, close: tables.map(sqlName).slice(0, 5) });
  return only;
}

interface Tried {
  readonly statement: Statement;
  readonly observed: Observed | null;
  /** Why it does not run; null where it did. */
  readonly failure: string | null;
}

/** Runs statements; one that fails is tried again once others have run, and comes where it runs. What never does comes last, with the reason. */
async function tryAll(db: Queryable, statements: readonly Statement[]): Promise<Tried[]> {
  const tried: Tried[] = [];
  let left = statements.map((statement) => ({ statement, failure: '' }));
  while (left.length > 0) {
    const failed: { statement: Statement; failure: string }[] = [];
    for (const { statement } of left) {
      try {
        tried.push({ statement, observed: await observe(db, statement.sql, statement.isAlone), failure: null });
      } catch (error) {
        failed.push({ statement, failure: reasonOf(error) });
      }
    }
    const isStuck = failed.length === left.length;
    left = failed;
    if (isStuck) break;
  }
  return [...tried, ...left.map(({ statement, failure }) => ({ statement, observed: null, failure }))];
}

/** Compared with a copy of the wanted schema on the same server, by what PostgreSQL tells of both. */
async function restOf(surroundings: Surroundings, database: Database, to: Schema): Promise<string[]> {
  const found = await readSchema(database);
  return withCopy(surroundings, to, async ({ database: copy, untried }) =>
    untried === null ? differencesOf(found.fingerprint, (await readSchema(copy)).fingerprint) : [],
  );
}

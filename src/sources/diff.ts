import type { FactBase } from '@supabase/pg-delta';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent, quoteQualified } from '../domain/identifier.ts';
import { sqlName } from '../domain/sql-name.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { tableNamed } from '../schema/about-columns.ts';
import { majorOf, readSchema, type Schema } from '../schema/facts.ts';
import { differencesOf } from '../schema/fingerprint.ts';
import { hazardsOf } from '../schema/hazards.ts';
import { statementsThatKeepData } from '../schema/keep-data.ts';
import { type Observed, observe } from '../schema/observe.ts';
import { possibleMoves, possibleRenames, possibleTables } from '../schema/possible-renames.ts';
import type { SchemaDiff } from '../schema/schema-diff.ts';
import type { Statement } from '../schema/statement.ts';
import { statementsBetween } from '../schema/statements.ts';
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

/** A difference with both schemas. */
export interface SourcesDiff extends SchemaDiff {
  /** With the columns renamed that were said to be. */
  readonly from: Schema;
  readonly to: Schema;
}

/** The statements that lead from one schema to another one, tried on a copy of the first. @throws what reading the sources throws; PH5031 when renames are asked for and the first schema cannot be copied. */
export async function diffSources(
  surroundings: Surroundings,
  { from: first, to: second, allowDataLoss, renames: chosen }: DiffOptions,
): Promise<SourcesDiff> {
  const [given, to] = [await readSource(surroundings, first), await readSource(surroundings, second)];
  const renaming = chosen.map((rename) => renameStatement(rename, given.facts));
  const from = renaming.length === 0 ? given : await renamed(surroundings, given, renaming);
  const { statements, kept } = allowDataLoss
    ? { statements: await statementsBetween(from, to), kept: [] }
    : await statementsThatKeepData(from, to);
  const { tried, untried, ...rest } = await trial(surroundings, from, to, statements);
  return {
    statements: [...renaming, ...tried.map(({ statement }) => statement)],
    hazards: [
      ...renaming.flatMap((statement) => hazardsOf(statement, null, null)),
      ...tried.flatMap(({ statement, observed, failure }) => hazardsOf(statement, observed, failure)),
    ],
    kept,
    renames: possibleRenames(from.facts, to.facts),
    moves: possibleMoves(from.facts, to.facts),
    tables: possibleTables(from.facts, to.facts),
    untried,
    ...rest,
    uncompared: [...new Set([...from.unread, ...to.unread, ...rest.uncompared])],
    rest: rest.rest.filter((line) => !isAbout(line, kept)),
    from,
    to,
  };
}

/** Whether a line names something that stays as it is, and is said to: `column shop.customers.nickname`. */
function isAbout(line: string, kept: readonly string[]): boolean {
  const text = line.replaceAll('"', '');
  return kept.some((object) => {
    const [, isPart, name = ''] = /^(?:(column|attribute) |.* )(\S+)$/.exec(object) ?? [];
    const names = isPart === undefined ? [name] : [name.replace(/\.[^.]*$/, ''), name.replace(/^.*\./, '')];
    return names.every((one) => text.includes(one));
  });
}

/** @throws PH5031 */
function renamed(surroundings: Surroundings, schema: Schema, renaming: readonly Statement[]): Promise<Schema> {
  return withCopy(surroundings, schema, async ({ db, database, untried }) => {
    if (untried !== null) throw new PhaseError('PH5031', { reason: untried });
    for (const { sql } of renaming) await db.query(sql);
    return readSchema(database);
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

interface Trial extends Pick<SchemaDiff, 'rest' | 'untried' | 'uncompared'> {
  readonly tried: readonly Tried[];
}

/** Runs the statements on a copy, and says what they leave. Where there are none, what PostgreSQL tells of both is compared. */
async function trial(
  surroundings: Surroundings,
  from: Schema,
  to: Schema,
  statements: readonly Statement[],
): Promise<Trial> {
  if (statements.length === 0) {
    if (majorOf(from) === majorOf(to))
      return { tried: [], rest: differencesOf(from.fingerprint, to.fingerprint), untried: null, uncompared: [] };
  }
  return withCopy(surroundings, from, async ({ db, database, untried }) => {
    if (untried !== null) {
      const tried = statements.map((statement) => ({ statement, observed: null, failure: null }));
      return { tried, rest: [], untried, uncompared: [notKnown(untried)] };
    }
    const before = await readSchema(database);
    const tried = await tryAll(db, statements);
    return { tried, untried, ...(await restOf(surroundings, { from, to, before, after: await readSchema(database) })) };
  });
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

interface Sides {
  readonly from: Schema;
  readonly to: Schema;
  /** The copy of the first one, before and after the statements. */
  readonly before: Schema;
  readonly after: Schema;
}

/** What is not as wanted, as PostgreSQL tells it. On servers of one version that is what the copy itself is not to blame for. */
async function restOf(
  surroundings: Surroundings,
  { from, to, before, after }: Sides,
): Promise<Pick<SchemaDiff, 'rest' | 'uncompared'>> {
  if (majorOf(from) === majorOf(after) && majorOf(to) === majorOf(after)) {
    const byCopy = new Set(differencesOf(before.fingerprint, from.fingerprint));
    const rest = differencesOf(after.fingerprint, to.fingerprint).filter((line) => !byCopy.has(line));
    return { rest, uncompared: [] };
  }
  return withCopy(surroundings, to, async ({ database: copy, untried }) =>
    untried === null
      ? { rest: differencesOf(after.fingerprint, (await readSchema(copy)).fingerprint), uncompared: [] }
      : { rest: [], uncompared: [notKnown(untried)] },
  );
}

const notKnown = (reason: string): string =>
  `whether anything else differs is not known, since a schema cannot be copied: ${reason}`;

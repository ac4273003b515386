import { buildFactBase, encodeId, type FactBase, type PlanOptions, plan, type StableId } from '@supabase/pg-delta';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import { reasonOf } from '../postgres/errors.ts';
import { asBefore } from './as-before.ts';
import { USUAL_OWNER } from './canonical.ts';
import type { Schema } from './facts.ts';
import { foldColumns, withNeedsOfTables } from './fold-columns.ts';
import { inWords } from './identity.ts';
import { losesInSilence } from './narrowing.ts';
import { statementOf } from './of-action.ts';
import { type OwnChange, ownChanges } from './own-changes.ts';
import { withOthers } from './place-others.ts';
import type { Statement } from './statement.ts';
import { changedTypes } from './types-in-use.ts';

/** What leads from one schema to the other, in an order that runs. */
export async function statementsBetween(from: Schema, to: Schema): Promise<Statement[]> {
  try {
    return await allBetween(from, to);
  } catch (error) {
    // What cannot be planned stays as it is, and is found to differ still.
    const types = changedTypes(from.facts, to.facts);
    if (!(error instanceof PhaseError) || error.code !== 'PH5034' || types.length === 0) throw error;
    return allBetween(from, asBefore(from, to, types));
  }
}

async function allBetween(given: Schema, to: Schema): Promise<Statement[]> {
  const own = ownChanges(given.facts, to.facts);
  const from = { ...given, facts: own.facts };
  const inTheWay = generatedInTheWay(from.facts, to.facts);
  const statements = inTheWay.length === 0 ? await planned(from, to) : await plannedAround(from, to, inTheWay);
  const once = statements.filter(
    (one, at) => !IDENTITY.test(one.sql) || statements.findIndex(({ sql }) => sql === one.sql) === at,
  );
  const rest = withOthers(columnsLast(once.flatMap((statement) => withPartitions(statement, to))), from, to);
  return [...own.first.map(ownStatement), ...rest, ...own.last.map(ownStatement)];
}

/** pg-delta says it twice where the index is there already. */
const IDENTITY = / REPLICA IDENTITY USING INDEX /;

function ownStatement({ sql, subject }: OwnChange): Statement {
  return { sql, object: inWords(subject), verb: 'alter', losesData: false, isAlone: false, destroys: [], subject };
}

/** What is revoked on a table is revoked on its columns, too: privileges on these come after all others. */
function columnsLast(statements: readonly Statement[]): Statement[] {
  const isOfColumn = ({ subject }: Statement): boolean => subject?.kind === 'acl' && subject.column !== undefined;
  const last = statements.findLastIndex((one) => one.subject?.kind === 'acl' && !isOfColumn(one));
  if (last === -1) return [...statements];
  const [before, behind] = [statements.slice(0, last + 1), statements.slice(last + 1)];
  return [...before.filter((one) => !isOfColumn(one)), ...before.filter(isOfColumn), ...behind];
}

/** Generated columns that are computed from one whose type changes, which PostgreSQL refuses as long as they are there. */
function generatedInTheWay(from: FactBase, to: FactBase): StableId[] {
  return from.facts().flatMap(({ id, payload }) => {
    if (id.kind !== 'column' || payload.generatedExpr === null || payload.generatedExpr === undefined) return [];
    const isBlocking = from.outgoingEdges(id).some(({ to: other }) => {
      const wanted = other.kind === 'column' ? to.get(other) : undefined;
      return wanted !== undefined && wanted.payload.type !== from.get(other)?.payload.type;
    });
    return isBlocking ? [id] : [];
  });
}

/** They are dropped first, with what needs them, and made anew: what is in them is computed. */
async function plannedAround(from: Schema, to: Schema, ids: readonly StableId[]): Promise<Statement[]> {
  const gone = new Set<string>();
  const remove = (id: StableId): void => {
    const key = encodeId(id);
    if (gone.has(key)) return;
    gone.add(key);
    for (const { from: dependent, kind } of from.facts.incomingEdges(id)) if (kind === 'depends') remove(dependent);
    for (const child of from.facts.childrenOf(id)) remove(child.id);
  };
  for (const id of ids) remove(id);
  const kept = (id: StableId): boolean => !gone.has(encodeId(id));
  const facts = buildFactBase(
    from.facts.facts().filter(({ id }) => kept(id)),
    from.facts.edges.filter((edge) => kept(edge.from) && (kept(edge.to) || edge.kind === 'owner')),
    from.facts.source,
    from.facts.referenceOnly,
  );
  const between = { ...from, facts };
  const computed = new Set(ids.map((id) => inWords(id)));
  const first = (await planned(from, between)).map((statement) =>
    computed.has(statement.object) ? { ...statement, losesData: false } : statement,
  );
  return [...first, ...(await planned(between, to))];
}

async function planned(from: Schema, to: Schema): Promise<Statement[]> {
  const options: PlanOptions = { scope: 'database', assumedRoles: [...from.roles, ...to.roles, USUAL_OWNER] };
  const whole = withNeedsOfTables(to.facts, (table) => from.facts.getByEncoded(table) === undefined);
  try {
    const statements = plan(from.facts, whole, options)
      .actions.map(statementOf)
      .filter((statement) => !isNothing(statement, from.facts))
      .map((statement) => withLosses(statement, from.facts, to.facts))
      .flatMap((statement) => withNumbers(statement, from.facts));
    return await foldColumns(withComments(statements, to.facts), to.facts);
  } catch (error) {
    // A function that takes rows of a table which has it in a default goes in between.
    if (!/cycle/i.test(String(error))) throw new PhaseError('PH5034', { reason: reasonOf(error) }, { cause: error });
    return plan(from.facts, to.facts, options)
      .actions.map(statementOf)
      .map((statement) => withLosses(statement, from.facts, to.facts));
  }
}

/** What is computed is made anew; what a cast cuts off is gone. */
function withLosses(statement: Statement, from: FactBase, to: FactBase): Statement {
  const { subject, sql } = statement;
  if (subject?.kind !== 'column') return statement;
  const [before, after] = [from.get(subject)?.payload, to.get(subject)?.payload];
  if (before === undefined) return statement;
  if (before.generatedExpr !== null && before.generatedExpr !== undefined) return { ...statement, losesData: false };
  if (after === undefined || !/ ALTER COLUMN .* TYPE /s.test(sql)) return statement;
  return { ...statement, losesData: statement.losesData || losesInSilence(String(before.type), String(after.type)) };
}

const NUMBERED =
  /^ALTER TABLE (\S.*?) ALTER COLUMN ("(?:[^"]|"")*") (?:ADD GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY|SET DEFAULT nextval\('((?:[^']|'')*)'::regclass\)$)/s;

/** An identity, or a sequence that becomes its default, of a column that has rows would count from 1 again. */
function withNumbers(statement: Statement, from: FactBase): Statement[] {
  const [, table = '', column = '', sequence] = NUMBERED.exec(statement.sql) ?? [];
  if (table === '') return [statement];
  const name = column.slice(1, -1).replaceAll('""', '"');
  const isThere = from.facts().some(({ id }) => {
    if (id.kind !== 'column' || id.name !== name) return false;
    const { schema, table: own } = id as unknown as { schema: string; table: string };
    return table === `"${schema.replaceAll('"', '""')}"."${own.replaceAll('"', '""')}"`;
  });
  if (!isThere) return [statement];
  const next = `coalesce((SELECT max(${column}) FROM ${table}), 0) + 1`;
  // A sequence may be ahead of the rows, or count for others, too.
  const sql =
    sequence === undefined
      ? `SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(${quoteLiteral(table)}, ${quoteLiteral(name)}), ${next}, false)`
      : `SELECT pg_catalog.setval('${sequence}', greatest(${next}, (SELECT last_value + is_called::int FROM ${sequence.replaceAll("''", "'")})), false)`;
  return [statement, { ...statement, sql }];
}

/** Before a type changes, its default is dropped, also where there is none. */
function isNothing({ sql, subject }: Statement, from: FactBase): boolean {
  return subject?.kind === 'column' && sql.endsWith(' DROP DEFAULT') && !from.has({ ...subject, kind: 'default' });
}

/** An enum that loses a value is made anew, and pg-delta leaves its comment out. */
function withComments(statements: readonly Statement[], facts: FactBase): Statement[] {
  return statements.flatMap((statement) => {
    const { sql, subject } = statement;
    const comment =
      subject?.kind === 'type' && /^DROP TYPE .*__pgdelta_replaced"$/.test(sql)
        ? facts.get({ kind: 'comment', target: subject })
        : undefined;
    if (subject?.kind !== 'type' || comment === undefined) return [statement];
    const text = `COMMENT ON TYPE ${quoteQualified(subject)} IS ${quoteLiteral(String(comment.payload.text))}`;
    return [statement, { ...statement, sql: text, object: inWords(comment.id), losesData: false, destroys: [] }];
  });
}

/** pg-delta makes the index of a partitioned table for that alone, where it is not valid. With it come those of its partitions, or those that are there are taken. */
function withPartitions(statement: Statement, { partitionIndexes }: Schema): Statement[] {
  const { sql, subject, verb } = statement;
  if (verb !== 'create' || subject?.kind !== 'index' || !ON_ONLY.test(sql)) return [statement];
  const root = encodeId(subject);
  const own = partitionIndexes.filter((index) => index.root === root);
  return [...own.map(({ create }) => create), sql].map((text) => ({ ...statement, sql: text.replace(ON_ONLY, '$1 ') }));
}

/** Names of indexes may hold the words, in quotes. */
const ON_ONLY = /^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")*"|\S+) ON) ONLY /;

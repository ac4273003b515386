import { encodeId, type FactBase } from '@supabase/pg-delta';
import type { Schema } from './facts.ts';
import type { OtherObject, Stage } from './others.ts';
import type { Statement } from './statement.ts';

/** Puts what pg-delta does not model among its statements. */
export function withOthers(statements: readonly Statement[], from: Schema, to: Schema): Statement[] {
  const made = new Set(
    statements.flatMap(({ verb, subject }) => (verb === 'create' && subject ? [encodeId(subject)] : [])),
  );
  const destroyed = new Set(statements.flatMap(({ destroys }) => destroys));
  const isRebuilt = (id: string | null): boolean => id !== null && made.has(id) && destroyed.has(id);
  const rebuilt = ({ on, column }: OtherObject): boolean => isRebuilt(on) || isRebuilt(column);
  // Casts and operators stand in the way of what they are made of.
  const inTheWay = ({ stage, create }: OtherObject): boolean =>
    stage === 'after functions' && [...destroyed].some((id) => create.some((sql) => sql.includes(bareName(id))));
  const before = new Map(from.others.map((other) => [other.name, other]));
  const after = new Map(to.others.map((other) => [other.name, other]));
  const isSame = (other: OtherObject, same: OtherObject | undefined): boolean =>
    same !== undefined && other.create.join(';') === same.create.join(';') && !rebuilt(other) && !inTheWay(other);
  const stays = ({ on, column, within }: OtherObject): boolean =>
    isIn(to.facts, on) && isIn(to.facts, column) && (within === null || after.has(within));
  const gone = from.others.filter((other) => !after.has(other.name) && stays(other) && !rebuilt(other));
  const come = to.others.filter((other) => !isSame(other, before.get(other.name)));
  const dropsOf = (other: OtherObject | undefined): Statement[] =>
    (other?.drop ?? []).map((sql) => ofOther(other as OtherObject, sql, 'drop'));
  const comeAt = (stage: Stage): Statement[] =>
    come
      .filter((other) => other.stage === stage)
      .flatMap((other) => [
        ...(rebuilt(other) || inTheWay(other) ? [] : dropsOf(before.get(other.name))),
        ...other.create.map((sql) => ofOther(other, sql, 'create')),
      ]);
  const early = [...gone, ...come.flatMap(({ name }) => before.get(name) ?? []).filter(inTheWay)];
  const tables = placeOf(statements, ({ subject }) => !BEFORE_TABLES.has(subject?.kind ?? ''));
  const functions =
    statements.findLastIndex(({ verb, subject }) => verb === 'create' && FUNCTIONS.has(subject?.kind ?? '')) + 1;
  const middle = Math.max(functions, tables);
  return [
    ...early.filter(({ stage }) => stage !== 'before tables').flatMap(dropsOf),
    ...statements.slice(0, tables),
    ...comeAt('before tables'),
    ...statements.slice(tables, middle),
    ...comeAt('after functions'),
    ...statements.slice(middle),
    ...comeAt('last'),
    ...gone.filter(({ stage }) => stage === 'before tables').flatMap(dropsOf),
  ];
}

const BEFORE_TABLES: ReadonlySet<string> = new Set(['schema', 'extension', 'role', 'collation']);
const FUNCTIONS: ReadonlySet<string> = new Set(['function', 'type', 'domain']);

function placeOf(statements: readonly Statement[], isThere: (statement: Statement) => boolean): number {
  const at = statements.findIndex(isThere);
  return at === -1 ? statements.length : at;
}

/** Of a function or a type, without its arguments: `shop.mood`. */
const bareName = (encoded: string): string =>
  /^\(?(?:function|procedure|type|domain):([^(]+)/.exec(encoded)?.[1] ?? '\0';

const isIn = (facts: FactBase, id: string | null): boolean => id === null || facts.getByEncoded(id) !== undefined;

function ofOther({ name }: OtherObject, sql: string, verb: 'create' | 'drop'): Statement {
  return { sql, object: name, verb, losesData: false, isAlone: false, destroys: [], subject: null };
}

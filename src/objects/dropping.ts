import type { ConstraintFacts, ObjectFacts, TriggerFacts, UnsupportedObject } from '../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import type { DroppedObject } from '../domain/mapping.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { type Code, call, execute } from './code.ts';
import { constraintOptions } from './constraints/code.ts';
import { viewsOn } from './dependents/views-on.ts';
import type { HangingObject } from './hanging.ts';
import { readHangingObjects } from './read-hanging.ts';
import { byKind, isKnownKind, kindOf } from './registry.ts';
import type { Renaming } from './renaming.ts';

/** What hangs on old columns and goes with them: how, and how it comes back. */
export interface DroppedFacts {
  readonly objects: readonly DroppedObject[];
  /** What PostgreSQL does not drop with a column. */
  readonly drop: readonly Code[];
  readonly restore: readonly Code[];
}

interface Asked {
  /** The number of the table. */
  readonly table: number;
  /** One for each old column. */
  readonly originals: readonly Renaming[];
  /** Names that may go, as they were given: plain, or with a schema. */
  readonly names: readonly string[];
  /** Whether the columns go in one release, with nothing in their place. */
  readonly isForGood?: boolean;
  /** Whether it may be built on the other table of a move. */
  readonly mayCarry?: boolean;
}

/** What hangs on old columns, by what is to become of it. */
interface Answered {
  readonly dropped: DroppedFacts;
  /** What nobody has answered for, or cannot be dropped so. */
  readonly refused: readonly UnsupportedObject[];
  /** Names that were given and mean nothing there, or several things. */
  readonly strange: readonly string[];
}

/**
 * Everything that hangs on old columns, which new ones have nothing of: each has to be answered for by its name. In a transaction that prints names qualified.
 */
export async function readDropped(
  db: Queryable,
  { table, originals, names, isForGood = false, mayCarry = false }: Asked,
): Promise<Answered> {
  const hanging = await hangingOn(db, table, originals);
  const isNamed = (object: HangingObject): boolean => names.some((name) => isMeant(name, object));
  const ways: Way[] = [];
  const refused: UnsupportedObject[] = [];
  for (const object of hanging) {
    const way =
      isNamed(object) || !isDroppable(object)
        ? await wayOf(db, object, originals)
        : unanswered(object, isForGood, mayCarry);
    if ('reason' in way) refused.push(way);
    else ways.push(way);
  }
  const objects = ways.map(({ object: { kind, name, on } }) => ({ kind, name, on }));
  return {
    dropped: {
      objects,
      drop: ways.toReversed().flatMap(({ drop }) => drop),
      restore: ways.flatMap(({ restore }) => restore),
    },
    refused,
    strange: names.filter((name) => hanging.filter((object) => isMeant(name, object)).length !== 1),
  };
}

/**
 * Whether a name as it was given means an object: the name itself, with its kind before it where several are called so, and of a view also with its schema.
 */
function isMeant(given: string, { name, kind, on }: HangingObject): boolean {
  const parts = [...name.matchAll(/"((?:[^"]|"")*)"/g)].map(([, part = '']) => part.replaceAll('""', '"'));
  const isQualified = on === '' && parts.length > 1;
  const names = isQualified ? [parts.at(-1) ?? '', parts.join('.'), name] : [name];
  return names.some((one) => given === one || given === `${kind} ${one}`);
}

/** Each once, in the order in which they are made; views on views, too. */
async function hangingOn(db: Queryable, table: number, originals: readonly Renaming[]): Promise<HangingObject[]> {
  const found = new Map<string, HangingObject>();
  for (const { rename } of originals)
    for (const object of await readHangingObjects(db, { table, column: rename.from, ours: [] }))
      found.set(`${object.kind} ${object.on} ${object.name}`, object);
  const direct = [...found.values()].filter(({ kind }) => kind !== 'view');
  const [{ on = '' } = {}] = originals;
  const columns = originals.map(({ rename }) => rename.from);
  const views = (await viewsOn(db, on, columns)).map(({ name }) => name);
  return [
    ...direct,
    ...views
      .filter((name) => !direct.some((object) => object.name === name))
      .map((name) => ({ kind: 'view', name, on: '', description: `view ${name}`, freedLast: false, blocks: true })),
  ];
}

const unanswered = ({ description }: HangingObject, isForGood: boolean, mayCarry: boolean): UnsupportedObject =>
  isForGood
    ? {
        object: description,
        reason: 'it is on the column, and nobody has said that it may go',
        instead:
          'Say so of each that may go with the column (--drop NAME); what is to stay is made anew without the column by a migration of your own, in an earlier release.',
      }
    : {
        object: description,
        reason: 'it is on the old column, and nobody can tell what it is to be on the new ones',
        instead: `Say so of each that may go with the old column in the third phase (--drop NAME); what takes its place is a migration of your own, in the release of the second${mayCarry ? ', or one that is scaffolded (--carry NAME)' : ''}.`,
      };

/** Kinds that somebody can say of that they go. */
const DROPPABLE = new Set([
  ...['index', 'unique', 'exclusion', 'check', 'foreign key', 'referencing key', 'statistics'],
  ...['trigger', 'policy', 'view'],
]);

const isDroppable = ({ kind }: HangingObject): boolean => DROPPABLE.has(kind);

interface Way {
  readonly object: HangingObject;
  readonly drop: readonly Code[];
  readonly restore: readonly Code[];
}

async function wayOf(
  db: Queryable,
  object: HangingObject,
  originals: readonly Renaming[],
): Promise<Way | UnsupportedObject> {
  if (!isDroppable(object)) return notHere(object);
  if (object.kind === 'view') return viewWay(db, object, originals);
  if (object.kind === 'policy') return policyWay(db, object);
  const found = factsOf(object, originals);
  if (found === null) return notHere(object);
  const { facts, renaming } = found;
  const kind = kindOf(object.kind);
  if (object.kind === 'trigger') return triggerWay(db, object, facts as TriggerFacts);
  if (kind.family === 'index') return indexWay(db, object, kind.steps.contract?.restore?.(renaming, facts) ?? []);
  if (kind.family === 'key') {
    const { original } = facts as ConstraintFacts;
    const options = constraintOptions(facts as ConstraintFacts, { name: object.name, definition: original });
    const gone = call('dropConstraint', { on: object.on, name: object.name });
    return { object, drop: [gone], restore: [call('addConstraint', options)] };
  }
  // What is on the table itself goes with the column.
  return { object, drop: [], restore: kind.steps.contract?.restore?.(renaming, facts) ?? [] };
}

const notHere = ({ description }: HangingObject): UnsupportedObject => ({
  object: description,
  reason: 'it is bound to the column, and cannot go with it by itself',
  instead: 'Drop it, or make it anew without the column, in a migration of an earlier release.',
});

function factsOf(
  object: HangingObject,
  originals: readonly Renaming[],
): { readonly facts: ObjectFacts; readonly renaming: Renaming } | null {
  if (!isKnownKind(object.kind)) return null;
  for (const renaming of originals)
    for (const { kind, objects } of byKind(renaming.facts.objects)) {
      const facts = objects.find(
        ({ name, on }) =>
          kind.name === object.kind && name === object.name && (on === null || isAt(object, quoteQualified(on))),
      );
      if (facts !== undefined) return { facts, renaming };
    }
  return null;
}

/** Statistics are in a schema, whatever table they are of. */
const isAt = ({ on, kind }: HangingObject, table: string): boolean => kind === 'statistics' || on === table;

/** Another index has to take the place of one that tells replicas which row is meant. */
async function indexWay(
  db: Queryable,
  object: HangingObject,
  restore: readonly Code[],
): Promise<Way | UnsupportedObject> {
  const [{ identity = false, clustered = false } = {}] = await all<{ identity: boolean; clustered: boolean }>(
    db,
    `SELECT i.indisreplident AS identity, i.indisclustered AS clustered FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = $2`,
    [object.on, object.name],
  );
  if (identity)
    return {
      object: object.description,
      reason: 'it is the replica identity of the table, without which PostgreSQL refuses updates of what is published',
      instead: `Give the table another one in an earlier release (ALTER TABLE ${object.on} REPLICA IDENTITY ...).`,
    };
  const cluster = execute(`ALTER TABLE ${object.on} CLUSTER ON ${quoteIdent(object.name)}`);
  return { object, drop: [], restore: [...restore, ...(clustered ? [cluster] : [])] };
}

const FIRES: Readonly<Record<string, string>> = { D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' };

async function triggerWay(
  db: Queryable,
  object: HangingObject,
  { rebound }: TriggerFacts,
): Promise<Way | UnsupportedObject> {
  if (rebound === null) return notHere(object);
  const named = `${quoteIdent(object.name)} ON ${object.on}`;
  const [{ enabled = 'O', comment = null } = {}] = await all<{ enabled: string; comment: string | null }>(
    db,
    `SELECT t.tgenabled AS enabled, pg_catalog.obj_description(t.oid, 'pg_trigger') AS comment FROM pg_catalog.pg_trigger t
     WHERE t.tgrelid = pg_catalog.to_regclass($1) AND t.tgname = $2`,
    [object.on, object.name],
  );
  const fires = FIRES[enabled];
  const restore = [
    rebound.original,
    ...(fires === undefined ? [] : [`ALTER TABLE ${object.on} ${fires} TRIGGER ${quoteIdent(object.name)}`]),
    ...(comment === null ? [] : [`COMMENT ON TRIGGER ${named} IS ${quoteLiteral(comment)}`]),
  ];
  return { object, drop: [execute(`DROP TRIGGER IF EXISTS ${named}`)], restore: restore.map(execute) };
}

async function viewWay(
  db: Queryable,
  object: HangingObject,
  originals: readonly Renaming[],
): Promise<Way | UnsupportedObject> {
  const [{ on = '' } = {}] = originals;
  const columns = originals.map(({ rename }) => rename.from);
  const view = (await viewsOn(db, on, columns)).find(({ name }) => name === object.name);
  if (view === undefined || view.drop === '') return notHere(object);
  return { object, drop: [execute(view.drop)], restore: view.make.map(execute) };
}

async function policyWay(db: Queryable, object: HangingObject): Promise<Way | UnsupportedObject> {
  const [row] = await all<{ make: string; comment: string | null }>(
    db,
    `SELECT pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, $1::text, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
         CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
         (SELECT pg_catalog.string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END, ', ') FROM pg_catalog.unnest(p.polroles) AS r(oid)))
       || coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
       || coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') AS make,
       pg_catalog.obj_description(p.oid, 'pg_policy') AS comment
     FROM pg_catalog.pg_policy p WHERE p.polrelid = pg_catalog.to_regclass($1) AND p.polname = $2`,
    [object.on, object.name],
  );
  if (row === undefined) return notHere(object);
  const named = `${quoteIdent(object.name)} ON ${object.on}`;
  const comment = row.comment === null ? [] : [`COMMENT ON POLICY ${named} IS ${quoteLiteral(row.comment)}`];
  return {
    object,
    drop: [execute(`DROP POLICY IF EXISTS ${named}`)],
    restore: [row.make, ...comment].map(execute),
  };
}

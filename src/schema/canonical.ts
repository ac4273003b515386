import { buildFactBase, encodeId, type Fact, type FactBase, type StableId } from '@supabase/pg-delta';
import type { LeftOut } from './facts.ts';
import { withoutQualifiers } from './view-text.ts';

export interface CanonicalOptions extends LeftOut {
  readonly serverVersion: number;
  /** Encoded ids of generated columns that are computed when they are read (18). */
  readonly virtualColumns: ReadonlySet<string>;
  /** Encoded ids of columns whose NOT NULL is an object of its own, which pg-delta does not model (18). */
  readonly ownNotNulls: ReadonlySet<string>;
}

/** pg-delta takes each generated column for a stored one: in the expression the mark makes it another one, and in statements it is taken back. */
const VIRTUAL = ' /* virtual */';

/** What a statement of pg-delta says of columns that are marked. */
export const withVirtualColumns = (sql: string): string => sql.replaceAll(`${VIRTUAL}) STORED`, ') VIRTUAL');

/** Since 16 PostgreSQL leaves out what a view of one table need not say. */
const UNQUALIFIED_VIEWS = 160_000;

/**
 * Facts in one form, whatever the server's version, and without what is nobody's schema: PostgreSQL writes some things in another way from version to version,
 * has other defaults, and other privileges that ALL stands for.
 */
export async function canonicalFacts(base: FactBase, options: CanonicalOptions): Promise<FactBase> {
  const facts: Fact[] = [];
  const owner = usualOwner(base);
  for (const fact of base.facts()) {
    if (isLeftOut(fact.id, options)) continue;
    const canonical = await canonicalFact(fact, options, owner);
    if (canonical !== null) facts.push(canonical);
  }
  const kept = new Set(facts.map(({ id }) => encodeId(id)));
  const edges = base.edges.filter(
    ({ kind, from, to }) =>
      kept.has(encodeId(from)) &&
      kept.has(encodeId(to)) &&
      // PostgreSQL's word for the owner of the database, which the schema public belongs to, is another one for them.
      !(kind === 'owner' && to.kind === 'role' && (to.name === owner || to.name === 'pg_database_owner')),
  );
  const referenceOnly = new Set([...base.referenceOnly].filter((id) => kept.has(id)));
  return buildFactBase(facts, edges, base.source, referenceOnly);
}

function isLeftOut(id: StableId, { schemas, relations }: LeftOut): boolean {
  if ('target' in id) return isLeftOut(id.target, { schemas, relations });
  if (id.kind === 'schema') return schemas.has(id.name);
  if (!('schema' in id) || id.schema === null) return false;
  const relation = 'table' in id ? id.table : 'name' in id ? id.name : null;
  return schemas.has(id.schema) || relations.has(`${id.schema}.${relation}`);
}

/** Whoever migrates: the role that most tables belong to. What it is called is a fact of a machine, and what belongs to it is not said. */
export function usualOwner({ edges }: Pick<FactBase, 'edges'>): string | null {
  const counts = new Map<string, number>();
  // What an extension brings along may belong to whoever may install it.
  const brought = new Set(edges.flatMap(({ kind, from }) => (kind === 'memberOfExtension' ? [encodeId(from)] : [])));
  for (const { kind, from, to } of edges) {
    if (kind !== 'owner' || to.kind !== 'role' || !OWNED.has(from.kind) || brought.has(encodeId(from))) continue;
    counts.set(to.name, (counts.get(to.name) ?? 0) + 1);
  }
  const [most = null] = [...counts].sort(([one, some], [other, more]) => more - some || (one < other ? -1 : 1));
  return most?.[0] ?? null;
}

const OWNED: ReadonlySet<string> = new Set([
  'table',
  'view',
  'materializedView',
  'sequence',
  'function',
  'type',
  'domain',
]);

/** Stands for that role where PostgreSQL names it. */
export const USUAL_OWNER = 'the owner of the tables';

async function canonicalFact(fact: Fact, options: CanonicalOptions, owner: string | null): Promise<Fact | null> {
  const { id, payload } = fact;
  const { serverVersion } = options;
  switch (id.kind) {
    case 'acl':
      return canonicalPrivileges(fact, id.target, id.grantee, serverVersion);
    case 'defaultPrivilege':
      return {
        ...fact,
        id: id.role === owner ? { ...id, role: USUAL_OWNER } : id,
        payload: { ...payload, ...privilegesOf(payload) },
      };
    case 'view':
    case 'materializedView':
      return serverVersion >= UNQUALIFIED_VIEWS
        ? fact
        : { ...fact, payload: { ...payload, def: await withoutQualifiers(String(payload.def)) } };
    case 'column':
      return canonicalColumn(fact, options);
    case 'collation':
      // Before 15 the locale of ICU stood where those of the C library stand.
      return payload.provider === 'i' && payload.locale === null
        ? { ...fact, payload: { ...payload, locale: payload.lcCollate ?? null, lcCollate: null, lcCtype: null } }
        : fact;
    case 'constraint':
      // Since 17 it stands there beside the attribute of the domain.
      return fact.parent?.kind === 'domain' && payload.def === 'NOT NULL' ? null : fact;
    case 'userMapping':
    case 'subscription':
      // Whose password leads where is a fact of a machine, and no schema.
      return null;
    default:
      return fact;
  }
}

function canonicalColumn(fact: Fact, { virtualColumns, ownNotNulls }: CanonicalOptions): Fact {
  const id = encodeId(fact.id);
  const { generatedExpr, notNull } = fact.payload;
  return {
    ...fact,
    payload: {
      ...fact.payload,
      ...(virtualColumns.has(id) ? { generatedExpr: `${generatedExpr}${VIRTUAL}` } : {}),
      notNull: notNull === true && !ownNotNulls.has(id),
    },
  };
}

/** Null for what everybody has by default. */
function canonicalPrivileges(fact: Fact, target: StableId, grantee: string, serverVersion: number): Fact | null {
  const { privileges, grantable } = privilegesOf(fact.payload);
  if (grantable.length === 0) {
    const ownersDefault = fact.payload._ownerDefault;
    if (Array.isArray(ownersDefault) && sameSet(privileges, withoutNew(ownersDefault))) return null;
    const isPublicSchema = target.kind === 'schema' && target.name === 'public' && grantee === 'PUBLIC';
    const usual = serverVersion >= 150_000 ? ['USAGE'] : ['CREATE', 'USAGE'];
    if (isPublicSchema && sameSet(privileges, usual)) return null;
  }
  return { ...fact, payload: { privileges, grantable } };
}

/** 17 has a privilege more; whoever has all has it, too. */
function privilegesOf(payload: Fact['payload']): { privileges: string[]; grantable: string[] } {
  const of = (value: unknown): string[] => withoutNew(Array.isArray(value) ? value : []);
  return { privileges: of(payload.privileges), grantable: of(payload.grantable) };
}

const OF_TABLES = ['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE'];

function withoutNew(privileges: readonly unknown[]): string[] {
  const names = privileges.map(String);
  return OF_TABLES.every((name) => names.includes(name)) ? names.filter((name) => name !== 'MAINTAIN') : names;
}

const sameSet = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one) => others.includes(one));

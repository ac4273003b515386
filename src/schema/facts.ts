import { type Diagnostic, encodeId, extract, type FactBase } from '@supabase/pg-delta';
import pg from 'pg';
import { holdsLedger } from '../domain/ledger-schema.ts';
import { connectionSettings, type Database } from '../postgres/connection.ts';
import { all, one, type Queryable } from '../postgres/queryable.ts';
import { canonicalFacts, usualOwner } from './canonical.ts';
import { readFingerprint } from './fingerprint.ts';
import { NOT_NULL_OF, type OtherObject, readOthers } from './others.ts';
import { type PartitionIndex, readPartitionIndexes } from './partition-indexes.ts';

/** A schema as it was read, without what is not the application's. */
export interface Schema {
  /** What pg-delta models, in one form whatever the server's version. */
  readonly facts: FactBase;
  /** What it does not model, and we do. */
  readonly others: readonly OtherObject[];
  /** Indexes of partitions whose names PostgreSQL would not choose by itself. */
  readonly partitionIndexes: readonly PartitionIndex[];
  /** What nobody models: found, and neither written nor compared. Such as `operator class (1: myops)`. */
  readonly unread: readonly string[];
  /** Everything as PostgreSQL tells it, a line for each object: does not rest on the others. */
  readonly fingerprint: readonly string[];
  /** Names of the server's roles. */
  readonly roles: readonly string[];
  /** Such as 180004. */
  readonly serverVersion: number;
}

/** Servers of one major version tell everything in one way. */
export const majorOf = ({ serverVersion }: Pick<Schema, 'serverVersion'>): number => Math.floor(serverVersion / 10_000);

export interface ReadOptions {
  /** Tables that are nobody's schema, with their schemas, as SQL names them: knex keeps its own there. */
  readonly leftOut?: readonly string[];
}

/** What pg-delta names as not modelled, and we read ourselves, or is the server's. */
const KNOWN_TO_US: ReadonlySet<unknown> = new Set([
  'statistics object',
  'text search configuration',
  'text search dictionary',
  'cast',
  'operator',
  'parameter ACL',
]);

/**
 * Reads the schema of a database. Ledgers are left out, with everything in their schemas.
 * @throws what the connection throws.
 */
export async function readSchema(
  database: Pick<Database, 'connection'>,
  { leftOut = [] }: ReadOptions = {},
): Promise<Schema> {
  return withPool(database, async (pool) => {
    const { factBase, diagnostics } = await extract(pool, { redactSecrets: false });
    return inOneView(pool, async (db) => {
      const left = await readLeftOut(db, leftOut);
      const { version } = await one<{ version: number }>(
        db,
        `SELECT current_setting('server_version_num')::int AS version`,
      );
      const others = await readOthers(db, left);
      return {
        facts: await canonicalFacts(factBase, {
          ...left,
          serverVersion: version,
          virtualColumns: await readVirtualColumns(db),
          ownNotNulls: new Set(
            others.flatMap(({ name, column }) => (name.startsWith(NOT_NULL_OF) ? (column ?? []) : [])),
          ),
        }),
        others,
        partitionIndexes: await readPartitionIndexes(db, left),
        unread: unreadOf(diagnostics),
        fingerprint: await readFingerprint(db, { ...left, owner: usualOwner(factBase) }),
        roles: factBase.facts().flatMap(({ id }) => (id.kind === 'role' ? [id.name] : [])),
        serverVersion: version,
      };
    });
  });
}

function unreadOf(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.flatMap(({ code, context }) => {
    if (code !== 'unmodeled_kind' || KNOWN_TO_US.has(context?.kind)) return [];
    const samples = Array.isArray(context?.samples) ? context.samples.join(', ') : '';
    return [`${context?.kind} (${context?.count}: ${samples})`];
  });
}

/** One snapshot, in which PostgreSQL names everything with its schema. */
async function inOneView<T>(pool: pg.Pool, body: (db: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query('SET LOCAL search_path TO pg_catalog');
    return await body(client);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
    client.release();
  }
}

/** What is not the application's. */
export interface LeftOut {
  readonly schemas: ReadonlySet<string>;
  /** Tables and sequences as `schema.name`, not quoted. */
  readonly relations: ReadonlySet<string>;
}

async function readLeftOut(db: Queryable, tables: readonly string[]): Promise<LeftOut> {
  const schemas = await all<{ name: string }>(
    db,
    `SELECT nspname AS name FROM pg_catalog.pg_namespace n WHERE ${holdsLedger('n.oid')}`,
  );
  const relations = await all<{ name: string }>(
    db,
    `WITH named AS (SELECT pg_catalog.to_regclass(t)::oid AS oid FROM pg_catalog.unnest($1::text[]) AS t)
     SELECT n.nspname::text || '.' || c.relname::text AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid IN (SELECT oid FROM named) OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
       AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM named) AND d.deptype IN ('a', 'i'))`,
    [tables],
  );
  const emptied = await all<{ name: string }>(
    db,
    `SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace n
     WHERE n.nspname <> 'public' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND n.nspname::text || '.' || c.relname::text = ANY ($1::text[]))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname::text || '.' || c.relname::text <> ALL ($1::text[]))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid)`,
    [relations.map(({ name }) => name)],
  );
  return {
    // A schema that holds nothing but what is left out was made for that.
    schemas: new Set([...schemas, ...emptied].map(({ name }) => name)),
    relations: new Set(relations.map(({ name }) => name)),
  };
}

/** Encoded. */
async function readVirtualColumns(db: Queryable): Promise<ReadonlySet<string>> {
  const columns = await all<{ schema: string; table: string; name: string }>(
    db,
    `SELECT n.nspname::text AS schema, c.relname::text AS "table", a.attname::text AS name
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE a.attgenerated = 'v'`,
  );
  return new Set(columns.map((column) => encodeId({ kind: 'column', ...column })));
}

async function withPool<T>(
  { connection }: Pick<Database, 'connection'>,
  body: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const place = typeof connection === 'function' ? await connection() : connection;
  const pool = new pg.Pool({ ...connectionSettings(place, 'phase schema'), max: 4 });
  // A query under way fails by itself; a connection that is lost while it closes is nobody's concern.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', () => undefined);
  try {
    return await body(pool);
  } finally {
    await pool.end();
  }
}

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import type { Knex } from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { makeKnex } from '../support/knex.ts';
import { TestProject } from '../support/project.ts';

const RELEASES = ['1.1.0', '1.2.0', '1.3.0'] as const;
let database: TestDatabase;
let project: TestProject;
beforeEach(async () => {
  database = await createDatabase();
  project = new TestProject(database.url, { 'package.json': '{"name": "app", "version": "1.0.0"}' });
});
afterEach(async () => {
  project.remove();
  await database.drop();
});

/** One release of an application, by the column that its code knows. */
interface App {
  write(id: number, value: string): Promise<unknown>;
  read(id: number): Promise<string | null | undefined>;
  close(): Promise<unknown>;
}

type Column = 'email' | 'email_address';

const pool = (release: string): Promise<pg.Pool> =>
  withRenames(new pg.Pool({ connectionString: database.url, max: 2 }), { root: project.root, release });

/** How an application of each kind is written. */
const CLIENTS: Record<string, (release: string, column: Column) => Promise<App>> = {
  'plain pg': async (release, column) => {
    const db = await pool(release);
    return {
      write: (id, value) =>
        db.query(`INSERT INTO users (id, ${column}) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET ${column} = $2`, [
          id,
          value,
        ]),
      read: async (id) => (await db.query('SELECT * FROM users WHERE id = $1', [id])).rows[0]?.[column],
      close: () => db.end(),
    };
  },
  // As models over knex have it: camel case in the code, by the mappers of the configuration.
  'knex with mapped names': async (release, column) => {
    const key = column === 'email' ? 'email' : 'emailAddress';
    const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const camel = (row: object): object =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
          value,
        ]),
      );
    const db: Knex = await withRenames(
      makeKnex({
        client: 'pg',
        connection: database.url,
        pool: { min: 0, max: 2 },
        wrapIdentifier: (name, original) => original(snake(name)),
        postProcessResponse: (result) => (Array.isArray(result) ? result.map(camel) : result),
      }),
      { root: project.root, release },
    );
    return {
      write: (id, value) =>
        db('users')
          .insert({ id, [key]: value })
          .onConflict('id')
          .merge(),
      read: async (id) => (await db('users').where({ id }).select('*'))[0]?.[key],
      close: () => db.destroy(),
    };
  },
  Drizzle: async (release, column) => {
    const own = await pool(release);
    const db = drizzle({ client: own });
    const users = pgTable('users', { id: integer('id').primaryKey(), value: text(column) });
    return {
      write: (id, value) =>
        db.insert(users).values({ id, value }).onConflictDoUpdate({ target: users.id, set: { value } }),
      read: async (id) => (await db.select().from(users).where(eq(users.id, id)))[0]?.value,
      close: () => own.end(),
    };
  },
  Kysely: async (release, column) => {
    const own = await pool(release);
    const db = new Kysely<{ users: { id: number; email?: string; email_address?: string } }>({
      dialect: new PostgresDialect({ pool: own }),
    });
    return {
      write: (id, value) =>
        db
          .insertInto('users')
          .values({ id, [column]: value })
          .onConflict((c) => c.column('id').doUpdateSet({ [column]: value }))
          .execute(),
      read: async (id) => (await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst())?.[column],
      close: () => own.end(),
    };
  },
  // What the client of Prisma sends, by the adapter that it sends it with.
  "Prisma's adapter for pg": async (release, column) => {
    const own = await pool(release);
    const adapter = await new PrismaPg(own).connect();
    const text = { scalarType: 'string', arity: 'scalar' } as const;
    const number = { scalarType: 'int', arity: 'scalar' } as const;
    return {
      write: (id, value) =>
        adapter.executeRaw({
          sql: `INSERT INTO "public"."users" ("id", "${column}") VALUES ($1, $2) ON CONFLICT ("id") DO UPDATE SET "${column}" = $2`,
          args: [id, value],
          argTypes: [number, text],
        }),
      read: async (id) => {
        const sql = `SELECT "public"."users"."id", "public"."users"."${column}" FROM "public"."users" WHERE "id" = $1`;
        const { rows, columnNames } = await adapter.queryRaw({ sql, args: [id], argTypes: [number] });
        return rows[0]?.[columnNames.indexOf(column)] as string | undefined;
      },
      close: () => own.end(),
    };
  },
};

/** A project of knex whose production has run everything, with rows. */
async function adopted(): Promise<void> {
  project.write(
    'migrations/20200101000000_users.js',
    `exports.up = (knex) => knex.schema.createTable('users', (t) => { t.integer('id').primary(); t.text('email').unique(); }); exports.down = () => {};`,
  );
  project.write('knexfile.js', `module.exports = { client: 'pg' };`);
  const knex = makeKnex({
    client: 'pg',
    connection: database.url,
    migrations: { directory: `${project.root}/migrations` },
  });
  await knex.migrate.latest();
  await knex('users').insert({ id: 1, email: 'kept' });
  await knex.destroy();
  await project.json('init', '--from-knex', '--no-replay');
  const flags = ['--table', 'users', '--from', 'email', '--to', 'email_address', '--releases', RELEASES.join(',')];
  await project.json('new', 'rename-column', ...flags, '--yes');
  for (const release of RELEASES) await project.json('release', 'cut', release);
}

test.each(Object.entries(CLIENTS))('an adopted project lives through a rename with %s', async (_name, open) => {
  await adopted();
  const codeOf = (release: string): Column => (release === '1.2.0' || release === '1.3.0' ? 'email_address' : 'email');
  const releases = ['1.0.0', ...RELEASES];
  for (const [at, release] of RELEASES.entries()) {
    const before = await open(releases[at] ?? '', codeOf(releases[at] ?? ''));
    await before.write(10 * (at + 1), `before ${release}`);
    await project.json('migrate', '--release', release, '--straggler-window', '0');
    // Both releases are alive now, and each sees what the other one writes.
    const after = await open(release, codeOf(release));
    await before.write(10 * (at + 1) + 1, `by the old one at ${release}`);
    await after.write(10 * (at + 1) + 2, `by the new one at ${release}`);
    for (const app of [before, after]) {
      expect(await app.read(1)).toBe('kept');
      expect(await app.read(10 * (at + 1))).toBe(`before ${release}`);
      expect(await app.read(10 * (at + 1) + 1)).toBe(`by the old one at ${release}`);
      expect(await app.read(10 * (at + 1) + 2)).toBe(`by the new one at ${release}`);
    }
    await before.close();
    await project.json('finish', '--straggler-window', '0');
    expect(await after.read(1)).toBe('kept');
    await after.close();
  }
  const rows = await database.sql('SELECT * FROM users ORDER BY id');
  expect(Object.keys(rows[0])).toEqual(['id', 'email_address']);
  expect(rows).toHaveLength(10);
});

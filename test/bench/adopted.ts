import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repository } from '../support/bookshop.ts';
import { createDatabase } from '../support/database.ts';
import { type CliLine, CliLines, run } from './cli.ts';

/** A project of knex, as two public ones are. */
interface Shape {
  readonly title: string;
  readonly knexfile: string;
  readonly files: Readonly<Record<string, string>>;
}

const stamp = (number: number): string => `20200101${String(number).padStart(6, '0')}`;
const times = (count: number, file: (number: number) => readonly [string, string]): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => file(at + 1)));

const SHAPES: readonly Shape[] = [
  {
    title: '266 .cjs in a package',
    knexfile: 'packages/server/knexfile.cjs',
    files: {
      'packages/server/knexfile.cjs': `module.exports = { client: 'pg', connection: process.env.DATABASE_URL, searchPath: ['public'], migrations: { directory: './migrations', tableName: 'runs', loadExtensions: ['.cjs'] } };`,
      'packages/server/lib/names.cjs': `exports.table = (number) => 't_' + number;`,
      ...times(266, (number) => [
        `packages/server/migrations/${stamp(number)}_table.cjs`,
        `const { table } = require('../lib/names.cjs');
exports.up = (knex) => knex.schema.createTable(table(${number}), (t) => { t.increments('id'); t.text('name').index(); });
exports.down = (knex) => knex.schema.dropTable(table(${number}));`,
      ]),
    },
  },
  {
    title: '135 .ts that read SQL',
    knexfile: 'src/knexfile.ts',
    files: {
      'src/knexfile.ts': `export default { development: { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: './migrations', loadExtensions: ['.ts'] } } };`,
      ...times(135, (number) => [
        `src/migrations/sql/${number}.sql`,
        `CREATE TABLE s_${number} (id int PRIMARY KEY, name text); CREATE VIEW v_${number} AS SELECT * FROM s_${number};`,
      ]),
      ...times(135, (number) => [
        `src/migrations/${stamp(number)}_table.ts`,
        `import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Knex } from 'knex';
export async function up(knex: Knex): Promise<void> { await knex.raw(readFileSync(join(__dirname, 'sql', '${number}.sql'), 'utf8')); }
export async function down(): Promise<void> {}`,
      ]),
    },
  },
];

function projectOf({ files }: Shape): string {
  const root = mkdtempSync(join(tmpdir(), 'triphase-bench-adopted-'));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(repository, join(root, 'node_modules/triphase'));
  for (const name of ['knex', 'pg'])
    symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
  const all = { ...files, 'package.json': '{ "name": "app", "version": "1.0.0" }', 'package-lock.json': '{}' };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** Taking over a project in which everything has run, and living with it: whole processes, medians of rounds. */
export async function benchAdopted(server: string, rounds: number): Promise<CliLine[]> {
  const found = new CliLines();
  const phase = join(repository, 'dist/cli/main.js');
  for (const shape of SHAPES) {
    for (let round = 0; round < rounds; round++) {
      const root = projectOf(shape);
      const database = await createDatabase(server);
      const at = (...args: string[]) => run(root, database.url, args);
      const node = at('-e', '0');
      const enter = (command: string, args: readonly string[]): void =>
        found.enter(`${command}, ${shape.title}`, at(phase, ...args), node, null);
      enter('phase init --from-knex', ['init', '--from-knex', '--json']);
      enter('phase migrate on a new database', ['migrate', '--quiet']);
      enter('phase migrate, nothing to do', ['migrate', '--quiet']);
      for (const name of ['first', 'second']) {
        writeFileSync(
          join(root, `db/migrate/${name === 'first' ? 20260101 : 20260102}000000_${name}.sql`),
          `CREATE TABLE ${name} (id int)`,
        );
        enter(`phase hash after the ${name} one more`, ['hash', '--json']);
      }
      enter('phase check', ['check', '--json']);
      await database.drop();
      rmSync(root, { recursive: true, force: true });
    }
  }
  return found.lines();
}

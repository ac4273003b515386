import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { plainDatabase } from '../../src/postgres/connection.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { loadDump } from '../../src/schema/load.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { FAST_SETTINGS } from '../support/server.ts';

const USAGE = `Usage: npm run trial:diff -- FILE.sql [--seed S]

Changes a schema dump in thirty ways, ten of them renames of columns, and looks whether phase diff offers these ten and no others, and whether its
statements leave no difference, there and back.`;

/** Numbers that look random and are the same for the same seed. */
function random(seed: string): () => number {
  let state = [...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Column {
  table: string;
  column: string;
  type: string;
  isNullable: boolean;
}

const COLUMNS = `SELECT c.oid::regclass::text AS "table", quote_ident(a.attname) AS "column", format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS "isNullable"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.attnum > 0 AND a.attinhcount = 0 ORDER BY 1, a.attnum`;

/** Twenty changes, each of another kind, to tables of the dump. @param pick gives a column that nothing else changes. */
function changesOf(pick: (isFit?: (column: Column) => boolean) => Column): string[] {
  const table = (): string => pick().table;
  const text = ({ type }: Column): boolean => /^(text|character varying)/.test(type);
  const [a, b, c, d] = [pick((one) => one.type === 'integer'), pick((one) => one.isNullable), pick(text), pick(text)];
  const dropped = pick((one) => one.isNullable && text(one));
  return [
    `ALTER TABLE ${table()} ADD COLUMN added_one jsonb NOT NULL DEFAULT '{}'`,
    `ALTER TABLE ${table()} ADD COLUMN added_two timestamptz`,
    `ALTER TABLE ${dropped.table} DROP COLUMN ${dropped.column} CASCADE`,
    `ALTER TABLE ${a.table} ALTER COLUMN ${a.column} TYPE bigint`,
    `ALTER TABLE ${b.table} ALTER COLUMN ${b.column} SET NOT NULL`,
    `ALTER TABLE ${c.table} ALTER COLUMN ${c.column} SET DEFAULT 'none'`,
    `ALTER TABLE ${d.table} ADD CONSTRAINT trial_check CHECK (${d.column} <> '?')`,
    `CREATE INDEX trial_index ON ${c.table} (lower(${c.column})) WHERE ${c.column} IS NOT NULL`,
    `CREATE TYPE trial_state AS ENUM ('new', 'done'); ALTER TABLE ${table()} ADD COLUMN state trial_state DEFAULT 'new'`,
    `CREATE DOMAIN trial_code AS varchar(8) CHECK (VALUE ~ '^[A-Z]+$'); CREATE TABLE trial_codes (code trial_code PRIMARY KEY, of_state trial_state NOT NULL)`,
    `CREATE VIEW trial_view AS SELECT ${c.column} AS value, count(*) AS n FROM ${c.table} GROUP BY 1`,
    `CREATE MATERIALIZED VIEW trial_totals AS SELECT count(*) AS n FROM ${d.table}; CREATE UNIQUE INDEX trial_totals_n ON trial_totals (n)`,
    `CREATE FUNCTION trial_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER trial_touch BEFORE UPDATE ON ${a.table} FOR EACH ROW EXECUTE FUNCTION trial_touch()`,
    `ALTER TABLE ${b.table} ENABLE ROW LEVEL SECURITY; CREATE POLICY trial_policy ON ${b.table} USING (${b.column} IS NOT NULL)`,
    'CREATE TABLE trial_parts (id bigint NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)',
    "CREATE TABLE trial_parts_1 PARTITION OF trial_parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE INDEX trial_parts_at ON trial_parts (at)",
    `GRANT SELECT, INSERT ON ${c.table} TO phase_reader`,
    `COMMENT ON TABLE ${d.table} IS 'Changed by the trial'`,
    'CREATE SEQUENCE trial_numbers INCREMENT BY 7 CACHE 3',
    `CREATE STATISTICS trial_statistics (dependencies) ON ${twoOf(c)} FROM ${c.table}`,
  ];
}

const twoOf = ({ column }: Column): string => `${column}, (lower(${column}))`;

interface Renamed {
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

async function change(database: TestDatabase, seed: string): Promise<Renamed[]> {
  const next = random(seed);
  const columns = await database.sql<Column>(COLUMNS);
  const used = new Set<string>();
  const pick = (isFit: (column: Column) => boolean = () => true): Column => {
    const free = columns.filter(
      (one) =>
        !used.has(one.table) && isFit(one) && /^\w+$/.test(one.column) && !/^"?(id|type|.*_type)"?$/.test(one.column),
    );
    const found = free[Math.floor(next() * free.length)];
    if (found === undefined) throw new Error('The dump has too few tables for thirty changes.');
    used.add(found.table);
    return found;
  };
  for (const sql of changesOf(pick)) await database.sql(sql);
  const endings = ['_value', '_new', '_text', '_2', '_content'];
  const renamed = Array.from({ length: 10 }, (_, at): Renamed => {
    const { table, column } = pick();
    return { table, from: column, to: at % 2 === 0 ? `${column}${endings[at / 2] ?? ''}` : `renamed_${at}` };
  });
  for (const { table, from, to } of renamed) await database.sql(`ALTER TABLE ${table} RENAME COLUMN ${from} TO ${to}`);
  return renamed;
}

async function tryBothWays(file: string, seed: string, server: string): Promise<string[]> {
  const [first, second] = await Promise.all([createDatabase(server), createDatabase(server)]);
  const project = new TestProject(first.url, { 'package.json': '{"name": "trial", "version": "1.0.0"}' });
  project.env = { PHASE_SHADOW_DATABASE_URL: server };
  try {
    await first.sql(
      "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'phase_reader') THEN CREATE ROLE phase_reader; END IF; END $$",
    );
    for (const { url } of [first, second])
      await loadDump(plainDatabase(url), { file, sql: readFileSync(file, 'utf8') });
    const renamed = await change(second, seed);
    const back = renamed.map(({ table, from, to }) => ({ table, from: to, to: from }));
    return [
      ...(await tryOneWay(project, 'there', first.url, second.url, renamed)),
      ...(await tryOneWay(project, 'back', second.url, first.url, back)),
    ];
  } finally {
    project.remove();
    await first.drop();
    await second.drop();
  }
}

async function tryOneWay(
  project: TestProject,
  way: string,
  from: string,
  to: string,
  renamed: readonly Renamed[],
): Promise<string[]> {
  const between = ['diff', '--json', '--from', from, '--to', to];
  const { json: offered } = await project.phase(...between);
  if (offered.error) return [`${way}: ${JSON.stringify(offered.error)}`];
  const named = ({ table, from: old, to: fresh }: Renamed): string =>
    `${table.includes('.') ? table : `public.${table}`}.${old}=${fresh}`;
  const [wanted, found] = [renamed.map(named), (offered.renames as Renamed[]).map(named)];
  const flags = renamed.flatMap((one) => ['--rename', named(one)]);
  const { json } = await project.phase(...between, ...flags, '--allow-data-loss');
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `${way}: not offered: ${one}`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `${way}: offered, and none: ${one}`),
    ...(json.error
      ? [`${way}: ${JSON.stringify(json.error)}`]
      : json.rest.map((line: string) => `${way}: differs still: ${line}`)),
    ...(json.untried ? [`${way}: not tried: ${json.untried}`] : []),
  ];
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' } },
  });
  const [file] = positionals;
  if (file === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const options = {
    version: 18,
    project: repository,
    name: `trial-diff-${process.pid}`,
    settings: FAST_SETTINGS,
  } as const;
  const server = await startEmbedded(options);
  try {
    const problems = await tryBothWays(file, values.seed, server);
    process.stdout.write(`${[...problems, `30 changes, there and back: ${problems.length} problems`].join('\n')}\n`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await removeEmbedded(options);
  }
}

process.exitCode = await main(process.argv.slice(2));

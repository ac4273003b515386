import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NEWEST_EMBEDDED } from '../../src/postgres/embedded/binaries.ts';
import { removeEmbedded, startEmbedded } from '../../src/postgres/embedded/server.ts';
import { repository } from '../support/bookshop.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { RESOLUTIONS } from '../support/resolutions.ts';
import { RUNNERS, SCHEMA, type TestRunner } from '../support/runners.ts';
import { FAST_SETTINGS } from '../support/server.ts';

/** What is tried in a project that has nothing but the package. */
interface Trial {
  readonly title: string;
  readonly type: 'module' | 'commonjs';
  readonly files: Readonly<Record<string, string>>;
  readonly run: readonly string[];
  readonly prints: string;
}

/** The tarball as a user would get it, in an empty project: `npm run packed`. Needs npm's registry. */
async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'triphase-packed-'));
  const options = {
    version: NEWEST_EMBEDDED,
    project: repository,
    name: `packed-${process.pid}`,
    settings: FAST_SETTINGS,
  };
  const server = await startEmbedded(options);
  try {
    const tarball = pack(root);
    const project = join(root, 'app');
    write(project, 'package.json', JSON.stringify({ name: 'app', version: '1.1.0', private: true }));
    install(project, [tarball]);
    const { files, bytes } = sizeOf(join(project, 'node_modules'));
    say(
      `tarball ${megabytes(statSync(tarball).size)}, installed ${megabytes(bytes)} in ${packagesIn(project)} packages, ${files} files`,
    );
    const database = await createDatabase(server);
    await commands(project, database);
    for (const trial of TRIALS) tryOut(project, database, trial);
    for (const runner of RUNNERS) test(join(root, 'tested'), tarball, server, runner);
    // Types come with a project that is compiled, not with the package.
    install(project, ['typescript@5', '@types/node@20', '@types/pg']);
    for (const [resolution, module, type] of RESOLUTIONS) compile(project, resolution, module, type);
    await database.drop();
  } finally {
    await removeEmbedded(options);
    rmSync(root, { recursive: true, force: true });
  }
}

function pack(root: string): string {
  const { stdout } = run('npm', ['pack', '--json', '--silent', '--pack-destination', root], repository);
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(root, packed?.filename ?? '');
}

function install(project: string, packages: readonly string[]): void {
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], project);
}

/** A rename through its releases, by the installed command. */
async function commands(project: string, database: TestDatabase): Promise<void> {
  const phase = (...args: string[]): string =>
    run(join(project, 'node_modules/.bin/phase'), args, project, { DATABASE_URL: database.url }).stdout;
  await database.sql(`CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, 'a')`);
  phase('init');
  phase(
    'new',
    'rename-column',
    '--table',
    'users',
    '--from',
    'old',
    '--to',
    'new',
    '--releases',
    '1.1.0,1.2.0,1.3.0',
    '--yes',
  );
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) phase('release', 'cut', release);
  for (const release of ['1.1.0', '1.2.0', '1.3.0']) {
    phase('migrate', '--release', release, '--straggler-window', '0');
    phase('finish', '--straggler-window', '0');
  }
  const { renames } = JSON.parse(phase('status', '--json')) as { renames: { phase: number }[] };
  expectSame(
    'the rename went through its phases',
    renames.map((rename) => rename.phase),
    [3],
  );
}

const READS = `status({ databaseUrl: process.env.DATABASE_URL }).then(({ release, applied }) => console.log(release, applied.length))`;
const ROWS = `withRenames(new pg.Pool({ connectionString: process.env.DATABASE_URL }), { release: '1.3.0' }).then(async (pool) => { console.log((await pool.query('SELECT new FROM users')).rows[0].new); await pool.end(); })`;
const TRIALS: readonly Trial[] = [
  {
    title: 'triphase/api as an ES module',
    type: 'module',
    files: { 'api.mjs': `import { status } from 'triphase/api';\n${READS};` },
    run: ['api.mjs'],
    prints: '1.3.0 5\n',
  },
  {
    title: 'triphase/api by require',
    type: 'commonjs',
    files: { 'api.cjs': `const { status } = require('triphase/api');\n${READS};` },
    run: ['api.cjs'],
    prints: '1.3.0 5\n',
  },
  {
    title: 'triphase/app as an ES module',
    type: 'module',
    files: { 'app.mjs': `import pg from 'pg';\nimport { withRenames } from 'triphase/app';\n${ROWS};` },
    run: ['app.mjs'],
    prints: 'a\n',
  },
  {
    title: 'triphase/app by require',
    type: 'commonjs',
    files: { 'app.cjs': `const pg = require('pg');\nconst { withRenames } = require('triphase/app');\n${ROWS};` },
    run: ['app.cjs'],
    prints: 'a\n',
  },
];

function tryOut(project: string, database: TestDatabase, { title, type, files, run: args, prints }: Trial): void {
  write(project, 'package.json', JSON.stringify({ ...manifestOf(project), type }));
  for (const [path, text] of Object.entries(files)) write(project, path, text);
  const { stdout } = run(process.execPath, args, project, { DATABASE_URL: database.url });
  expectSame(title, stdout, prints);
}

/** A suite in a project of its own that tests by a runner. */
function test(
  project: string,
  tarball: string,
  server: string,
  { title, packages, files, run: args }: TestRunner,
): void {
  write(project, 'package.json', JSON.stringify({ name: 'tested', version: '1.0.0', private: true }));
  install(project, [tarball, ...packages]);
  for (const [path, text] of Object.entries({ ...SCHEMA, ...files })) write(project, path, text);
  const { stdout } = run(process.execPath, args, project, { PHASE_SHADOW_DATABASE_URL: server });
  expectSame(`a suite by ${title}`, /it ran: Ada/.exec(stdout)?.[0], 'it ran: Ada');
}

/** All that the package exports, by its types; where CommonJS knows the difference, it gets ES modules by import(). */
function compile(project: string, moduleResolution: string, module: string, type: 'module' | 'commonjs'): void {
  write(project, 'package.json', JSON.stringify({ ...manifestOf(project), type }));
  const isStrictCommonJs = type === 'commonjs' && moduleResolution !== 'node10';
  const imports = isStrictCommonJs
    ? `export const api = import('triphase/api'); export const all = import('triphase'); export const testing = import('triphase/testing');`
    : `import { createIndex, defineConfig } from 'triphase'; import { migrate, type RunEvent } from 'triphase/api'; import { describeWithMigrations } from 'triphase/testing';
       export const used = [migrate, createIndex, describeWithMigrations, defineConfig({ hooks: { onFailure: ({ error }) => error.code } })];
       export const onEvent = (event: RunEvent): string => (event.type === 'stepDone' ? event.id : event.type);`;
  write(
    project,
    'types/use.ts',
    `import { withRenames } from 'triphase/app';\n${imports}\nexport const app = withRenames;`,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    esModuleInterop: true,
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    moduleResolution,
    module,
  };
  write(project, 'types/tsconfig.json', JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  const { stdout } = run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'types'], project, {}, [0, 1, 2]);
  expectSame(`types, ${moduleResolution}, a package of type ${type}`, stdout, '');
}

interface Ran {
  readonly stdout: string;
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  allowed = [0],
): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_cache: process.env.npm_config_cache, ...env },
  });
  if (status === null || !allowed.includes(status)) {
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  }
  return { stdout };
}

function write(project: string, path: string, text: string): void {
  const file = join(project, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const manifestOf = (project: string): object => JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));

function sizeOf(folder: string): { files: number; bytes: number } {
  let [files, bytes] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, bytes };
}

function packagesIn(project: string): number {
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as { packages: object };
  return Object.keys(packages).length - 1;
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function expectSame(title: string, found: unknown, wanted: unknown): void {
  const [is, ought] = [found, wanted].map((value) => JSON.stringify(value));
  if (is !== ought) throw new Error(`${title}: ${is} and not ${ought}`);
  say(`ok  ${title}`);
}

await main();

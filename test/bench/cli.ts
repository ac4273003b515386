import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/bookshop.ts';
import { createDatabase, withDatabase } from '../support/database.ts';
import { median } from './measure.ts';

/** One command as a whole process, beside its peer in the same round. */
export interface CliLine {
  readonly command: string;
  /** Milliseconds of the process, and without those that node itself takes. */
  readonly ms: number;
  readonly overNode: number;
  /** Times of the peer's process; null where there is none. */
  readonly byPeer: number | null;
  readonly peakMegabytes: number;
}

const MIGRATIONS = 500;

export interface Measured {
  readonly ms: number;
  readonly megabytes: number;
}

/** An application with migrations that knex and phase both run, and with nothing else installed. */
function application(): string {
  const root = mkdtempSync(join(tmpdir(), 'triphase-bench-cli-'));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(repository, join(root, 'node_modules/triphase'));
  for (const name of ['knex', 'pg'])
    symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
  writeFileSync(join(root, 'package.json'), '{ "name": "app", "version": "1.0.0", "type": "module" }');
  mkdirSync(join(root, 'db/migrate'), { recursive: true });
  for (let number = 1; number <= MIGRATIONS; number++) {
    const id = `20260101${String(number).padStart(6, '0')}`;
    writeFileSync(
      join(root, `db/migrate/${id}_table.cjs`),
      `exports.up = (knex) => knex.raw('CREATE TABLE t_${number} (id int)');\nexports.down = (knex) => knex.raw('DROP TABLE t_${number}');\n`,
    );
  }
  writeFileSync(
    join(root, 'knexfile.cjs'),
    `module.exports = { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: './db/migrate', loadExtensions: ['.cjs'] } };\n`,
  );
  return root;
}

/** Gathers what commands took over the rounds. */
export class CliLines {
  readonly #found = new Map<string, { own: Measured[]; over: number[]; ratios: number[] }>();

  enter(command: string, own: Measured, node: Measured, peer: Measured | null): void {
    const line = this.#found.get(command) ?? { own: [], over: [], ratios: [] };
    line.own.push(own);
    line.over.push(own.ms - node.ms);
    if (peer !== null) line.ratios.push(own.ms / peer.ms);
    this.#found.set(command, line);
  }

  lines(): CliLine[] {
    return [...this.#found].map(([command, { own, over, ratios }]) => ({
      command,
      ms: median(own.map(({ ms }) => ms)),
      overNode: median(over),
      byPeer: ratios.length === 0 ? null : median(ratios),
      peakMegabytes: Math.max(...own.map(({ megabytes }) => megabytes)),
    }));
  }
}

/** Whole processes: bare node, phase, and knex on databases of their own. Medians of rounds, the peer in the same round. */
export async function benchCli(server: string, rounds: number): Promise<CliLine[]> {
  const root = application();
  try {
    const phase = join(repository, 'dist/cli/main.js');
    const knex = [join(repository, 'node_modules/knex/bin/cli.js'), '--knexfile', 'knexfile.cjs'];
    run(root, server, [phase, 'init', '--json']);
    run(root, server, [phase, 'hash', '--no-replay', '--json']);
    const found = new CliLines();
    const enter = found.enter.bind(found);
    for (let round = 0; round < rounds; round++) {
      const [ours, theirs] = [await createDatabase(server), await createDatabase(server)];
      const at = (url: string, args: readonly string[]): Measured => run(root, url, args);
      const node = at(server, ['-e', '0']);
      enter('phase --help', at(server, [phase, '--help']), node, null);
      const latest = at(theirs.url, [...knex, 'migrate:latest']);
      enter(
        `phase migrate, ${MIGRATIONS} on a new database`,
        at(ours.url, [phase, 'migrate', '--quiet']),
        node,
        latest,
      );
      const again = at(theirs.url, [...knex, 'migrate:latest']);
      enter('phase migrate, nothing to do', at(ours.url, [phase, 'migrate', '--quiet']), node, again);
      enter('phase wait', at(ours.url, [phase, 'wait', '--quiet']), node, null);
      for (const database of [ours, theirs]) await database.drop();
    }
    return found.lines();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Prints what the process has taken at most, as its last line on stderr. */
const PEAK = `data:text/javascript,process.on('exit',()=>process.stderr.write('\\npeak '+process.resourceUsage().maxRSS))`;

export function run(cwd: string, url: string, args: readonly string[]): Measured {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--import', PEAK, ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, DATABASE_URL: url, PHASE_SHADOW_DATABASE_URL: withDatabase(url, 'postgres') },
  });
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { ms, megabytes: Math.round(Number(/peak (\d+)$/.exec(stderr)?.[1] ?? 0) / 1_024) };
}

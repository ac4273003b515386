import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';
import { R1, R2, R3 } from '../support/rename-fixture.ts';
import { median, rotated } from './measure.ts';
import { rateOf, SLICES_A_ROUND, type Write } from './write-rate.ts';

const ROUNDS = 3;

export const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
export const two = (number: number): number => Math.round(number * 100) / 100;

/** Both get their column in one statement each: a script would be one transaction, in which nothing is vacuumed. */
export async function load(database: TestDatabase, script: string): Promise<void> {
  for (const statement of script.split(';')) if (statement.trim() !== '') await database.sql(statement);
}

/** Of the backfill that a project has run. */
export async function rowsPerSecond(project: TestProject, rows: number): Promise<number> {
  const { applied } = await project.json('status');
  const { durationMs } = applied.find(({ id }: { id: string }) => id.endsWith('_backfill'));
  return (rows * 1_000) / durationMs;
}

interface Scaffolded {
  readonly database: TestDatabase;
  readonly project: TestProject;
}

/** A change of a column, scaffolded on tables of its own, with its releases cut. */
export async function scaffolded<T>(
  server: string,
  { command, script, flags }: { readonly command: string; readonly script: string; readonly flags: readonly string[] },
  body: (scaffolded: Scaffolded) => Promise<T>,
): Promise<T> {
  const database = await createDatabase(server);
  const project = new TestProject(database.url);
  try {
    await load(database, script);
    await project.json('init');
    await project.json('new', command, ...flags, '--releases', `${R1},${R2},${R3}`, '--yes');
    for (const release of [R1, R2, R3]) await project.json('release', 'cut', release);
    return await body({ database, project });
  } finally {
    project.remove();
    await database.drop();
  }
}

/** A table `users` with a sync, or without one. */
export interface Synced {
  readonly name: string;
  readonly database: TestDatabase;
}

/** What share of the rate without any sync, which is the first one, is lost. They take turns in short slices. */
export async function lossesOf(
  { rows, writes }: { readonly rows: number; readonly writes: readonly Write[] },
  synced: readonly Synced[],
): Promise<object> {
  const losses: Record<string, Record<string, string>> = {};
  for (const write of writes) {
    const rates = new Map(synced.map(({ name }) => [name, [] as number[]]));
    for (let slice = 0; slice < ROUNDS * SLICES_A_ROUND; slice++) {
      for (const { name, database } of rotated(synced, slice)) {
        rates.get(name)?.push(await rateOf(database.client, { table: 'users', rows }, write));
      }
    }
    for (const { database } of synced) await database.sql('VACUUM users');
    const plain = rates.get('none') ?? [];
    const lossOf = (own: readonly number[]): string =>
      `${two(100 * (1 - median(own.map((rate, at) => rate / (plain[at] ?? rate)))))} %`;
    losses[write.name] = Object.fromEntries([...rates].map(([name, own]) => [name, lossOf(own)]));
  }
  return losses;
}

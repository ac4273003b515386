import pg from 'pg';
import { withRenames } from '../../src/app/index.ts';
import { TestProject } from '../support/project.ts';
import { median } from './measure.ts';

/** What the application's side costs a row that is read, against the same pool without it. */
export interface AppLine {
  readonly release: string;
  readonly what: string;
  readonly rowsASecond: number;
  /** Microseconds a row more than without it, the median over rounds. */
  readonly cost: number;
}

const ROWS = 200_000;
const VARIANTS = [
  { release: '', what: 'without it' },
  { release: '1.0.0', what: 'before the rename' },
  { release: '1.1.0', what: 'phase 1' },
  { release: '1.1.0', what: 'phase 1, each row read by the old name' },
  { release: '1.2.0', what: 'phase 2' },
];

/** Reads a table of ten columns by `SELECT *`, each variant in turn, in rounds. */
export async function benchApp(url: string, rounds: number): Promise<AppLine[]> {
  const project = new TestProject(url);
  try {
    await makeTable(url, project);
    const seconds = VARIANTS.map((): number[] => []);
    for (let round = 0; round < rounds * 3; round++) {
      for (const [index, variant] of VARIANTS.entries()) {
        seconds[index]?.push(await readAll(url, project.root, variant));
      }
    }
    return VARIANTS.map((variant, index) => {
      const own = seconds[index] ?? [];
      const more = own.map((value, round) => ((value - (seconds[0]?.[round] ?? 0)) / ROWS) * 1e6);
      return { ...variant, rowsASecond: ROWS / median(own), cost: median(more) };
    });
  } finally {
    project.remove();
  }
}

async function makeTable(url: string, project: TestProject): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const columns = Array.from({ length: 8 }, (_, index) => `c${index} text DEFAULT 'value ${index}'`);
  await client.query(`CREATE TABLE people (id int PRIMARY KEY, mail text, ${columns.join(', ')});
    INSERT INTO people (id, mail) SELECT n, 'person ' || n FROM generate_series(1, ${ROWS}) AS n`);
  const flags = ['--table', 'people', '--from', 'mail', '--to', 'email', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  await project.json('new', 'rename-column', ...flags);
  await project.json('release', 'cut', '1.1.0');
  await project.json('migrate', '--release', '1.2.0');
  await client.query('VACUUM ANALYZE people');
  await client.end();
}

async function readAll(url: string, root: string, { release, what }: (typeof VARIANTS)[number]): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    if (release !== '') await withRenames(pool, { root, release, onDeprecation: () => undefined });
    await pool.query('SELECT * FROM people LIMIT 1');
    const began = performance.now();
    const { rows } = await pool.query('SELECT * FROM people');
    let length = 0;
    if (what.includes('each row')) for (const row of rows) length += row.mail.length;
    return (performance.now() - began) / 1_000 + length * 0;
  } finally {
    await pool.end();
  }
}

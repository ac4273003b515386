import { afterEach, expect, test } from '@jest/globals';
import { Output } from '../../src/cli/output.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase | null = null;
let project: TestProject | null = null;
afterEach(async () => {
  project?.remove();
  await database?.drop();
  [database, project] = [null, null];
});

/** Sets the title of a terminal, clears it, colours what follows, and turns its direction. */
const OBEYED = '\u001b]0;title\u0007\u001b[2J\u009b31m\u202e\r\b';

/** What of a text a terminal would obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const obeyed = (text: string): string[] => text.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/g) ?? [];

test('what names of tables, columns and files hold is shown, and no terminal obeys it', async () => {
  database = await createDatabase();
  const [table, column] = [`t${OBEYED}`, `c${OBEYED}`];
  await database.client.query(`CREATE TABLE "${table}" (id int PRIMARY KEY, "${column}" text UNIQUE)`);
  project = new TestProject(database.url, {
    [`db/migrate/20260101000000_${OBEYED.replace(/[/]/g, '')}.sql`]: 'SELECT 1',
  });
  const of = ['--table', `"${table}"`, '--from', column, '--to', 'plain', '--releases', '1.1.0,1.2.0,1.3.0', '--yes'];
  const commands = [
    ['new', 'rename-column', ...of],
    ['status'],
    ['check'],
    ['hash'],
    ['release', 'cut', '1.1.0'],
    ['migrate', '--release', '1.1.0'],
    ['status', '--count'],
    ['plan', '--to', '1.2.0'],
    ['rollback', '--to', OBEYED],
    ['new', 'rename-column', '--table', OBEYED, '--from', 'a', '--to', 'b', '--releases', '1.1,1.2,1.3', '--yes'],
  ];
  let shown = 0;
  for (const command of commands) {
    for (const flags of [[], ['--json'], ['--verbose']]) {
      const { stdout, stderr } = await project.phase(...command, ...flags);
      expect({ command, obeyed: obeyed(stdout + stderr) }).toEqual({ command, obeyed: [] });
      if (`${stdout}${stderr}`.includes('\\u001b]0;title')) shown++;
    }
  }
  expect(shown).toBeGreaterThan(5);
});

test('colours of our own are printed, those of a name are not', () => {
  let printed = '';
  const stream = { write: (text: string) => (printed += text) } as unknown as NodeJS.WritableStream;
  const output = new Output(
    { stdout: stream, stderr: stream },
    { json: false, color: true, quiet: false, verbose: false },
  );
  output.notice(`${output.paint('red', 'bad')} \u001b[31mname`);
  expect(printed).toBe('\u001b[31mbad\u001b[39m \\u001b[31mname\n');
});

import { PassThrough, Writable } from 'node:stream';
import { render } from '@inquirer/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestProject } from '../support/project.ts';

let database: TestDatabase;
let project: TestProject;
beforeAll(async () => {
  database = await createDatabase();
  await database.sql(
    'CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE); CREATE TABLE orders (id int); CREATE TABLE prices (id int PRIMARY KEY, amount numeric(6, 2)); INSERT INTO prices VALUES (1, 2.00), (2, 1.49), (3, NULL), (4, 2.00); CREATE VIEW people AS SELECT 1 AS id',
  );
});
afterAll(() => database.drop());
beforeEach(() => {
  project = new TestProject(database.url, { 'package.json': '{ "version": "2.0.0" }' });
});
afterEach(() => project.remove());

type Context = { input?: NodeJS.ReadableStream; output?: NodeJS.WritableStream };

/** A terminal that stays open: each prompt ends the stream that it was given. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly #screen: NodeJS.WritableStream;
  readonly #written: string[];

  constructor(screen: NodeJS.WritableStream, written: string[] = []) {
    super();
    this.#screen = screen;
    this.#written = written;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#written.push(chunk.toString());
    this.#screen.write(chunk);
    done();
  }

  override end(): this {
    return this;
  }
}

/** The whole command as one prompt, so that the testing library can drive it. @param written gets all that it writes: the screen has the last of it. */
function wizard(args: readonly string[], written: string[] = []) {
  return (_config: object, { input = process.stdin, output = process.stderr }: Context = {}): Promise<number> =>
    runCli(args, {
      cwd: project.root,
      env: { DATABASE_URL: database.url },
      stdin: Object.assign(input, { isTTY: true }),
      stdout: new Terminal(new PassThrough().resume()),
      stderr: new Terminal(output, written),
    });
}

type Screen = Awaited<ReturnType<typeof render>>;

/** Waits until the screen shows a text: questions come from a database. */
async function shows(screen: Screen, text: string): Promise<void> {
  for (let tries = 0; tries < 200 && !screen.getScreen().includes(text); tries++)
    await new Promise((done) => setTimeout(done, 25));
  expect(screen.getScreen()).toContain(text);
}

test('asks for table, column, name and releases, shows what it will write, and writes it', async () => {
  const screen = await render(wizard(['new', 'rename-column']) as never, {} as never);
  await shows(screen, 'Which table?');
  expect(screen.getScreen()).not.toContain('people');
  screen.events.type('use');
  await shows(screen, 'users');
  screen.events.keypress('enter');
  await shows(screen, 'Which column?');
  screen.events.keypress('down');
  screen.events.keypress('enter');
  await shows(screen, 'Its new name?');
  screen.events.type('id');
  screen.events.keypress('enter');
  await shows(screen, 'has a column of that name already');
  screen.events.keypress('backspace');
  screen.events.keypress('backspace');
  screen.events.type('email_address');
  screen.events.keypress('enter');
  await shows(screen, '(2.1.0,2.2.0,2.3.0)');
  screen.events.keypress('enter');
  await shows(screen, 'Write these 15 files?');
  screen.events.type('y');
  screen.events.keypress('enter');
  await expect(screen.answer).resolves.toBe(0);
  expect(Object.keys(project.files())).toEqual(
    expect.arrayContaining(['db/releases/2.3.0.yml', 'db/renames/users_email_to_email_address.yml']),
  );
});

test('what flags answer is not asked; a no writes nothing', async () => {
  const flags = ['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '2.1.0,2.2.0,2.3.0'];
  const screen = await render(wizard(['new', 'rename-column', ...flags]) as never, {} as never);
  await shows(screen, 'Write these 15 files?');
  screen.events.type('n');
  screen.events.keypress('enter');
  await expect(screen.answer).resolves.toBe(2);
  expect(Object.keys(project.files())).toEqual(['package.json']);
});

test.each([
  [[], '--table'],
  [['--table', 'users'], '--from'],
  [['--table', 'users', '--from', 'email'], '--to'],
  [['--table', 'users', '--from', 'email', '--to', 'mail'], '--releases'],
  [['--table', 'users', '--from', 'email', '--to', 'mail', '--releases', '3.0,3.1,3.2'], '--yes'],
])('without a terminal a missing answer is exit 2 and names its flag: %j', async (flags, missing) => {
  const ran = await project.phase('new', 'rename-column', ...flags, '--json');
  expect({ code: ran.code, error: ran.json.error }).toMatchObject({
    code: 2,
    error: { code: 'PH1004', remedy: `Give ${missing}.` },
  });
  expect(Object.keys(project.files())).toEqual(['package.json']);
});

test('asks what is to change, and shows some rows as they become, and as they come back', async () => {
  const written: string[] = [];
  const screen = await render(wizard(['new', 'change'], written) as never, {} as never);
  await shows(screen, 'What is to change?');
  screen.events.type('retype');
  await shows(screen, '❯ retype-column');
  screen.events.keypress('enter');
  await shows(screen, 'Which table?');
  screen.events.type('prices');
  await shows(screen, '❯ prices');
  screen.events.keypress('enter');
  await shows(screen, 'Which column?');
  screen.events.type('amount');
  await shows(screen, '❯ amount');
  screen.events.keypress('enter');
  await shows(screen, 'Its new type?');
  screen.events.type('no_type');
  screen.events.keypress('enter');
  await shows(screen, 'is no type that a column can have');
  for (const _ of 'no_type') screen.events.keypress('backspace');
  screen.events.type('integer');
  screen.events.keypress('enter');
  await shows(screen, '(2.1.0,2.2.0,2.3.0)');
  screen.events.keypress('enter');
  await shows(screen, 'Write these');
  const shown = written.join('').replaceAll(/ +/g, ' ');
  expect(shown).toContain('1.49 -> 1 and back: 1.00');
  expect(shown).toMatch(/2\.00 -> 2\n/);
  screen.events.type('n');
  screen.events.keypress('enter');
  await expect(screen.answer).resolves.toBe(2);
});

test.each([
  [[], 'PH1004', { remedy: 'Give --kind.' }],
  [['--kind', 'rename'], 'PH1015', { why: expect.stringContaining('set-default') }],
  [['--kind', 'set-default'], 'PH1004', { remedy: 'Give --table.' }],
])('without a terminal the kind is a flag: %j', async (flags, code, said) => {
  const ran = await project.phase('new', 'change', ...flags, '--json');
  expect({ code: ran.code, error: ran.json.error }).toMatchObject({ code: 2, error: { code, ...said } });
});

test('rows stay out of what a pipeline keeps', async () => {
  const flags = ['--table', 'prices', '--column', 'amount', '--to-type', 'integer', '--releases', '2.1.0,2.2.0,2.3.0'];
  const { code, stdout, stderr } = await project.phase('new', 'retype-column', ...flags, '--yes');
  expect({ code, isShown: `${stdout}${stderr}`.includes('1.49  ->') }).toEqual({ code: 0, isShown: false });
});

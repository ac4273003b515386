import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { buildSync } from 'esbuild';
import { repository } from '../support/bookshop.ts';

/** What reads places, as a module of its own. */
const compiled = join(repository, '.phase/test/places.mjs');
beforeAll(() => {
  const entryPoints = [join(repository, 'src/app/places.ts')];
  buildSync({ entryPoints, outfile: compiled, bundle: true, platform: 'node', format: 'esm' });
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'phase places ('));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs a module that reads `row.old`, beside others, and gives the places that are told. */
function placesOf(files: Record<string, string>, ...flags: string[]): string[] {
  const places = pathToFileURL(compiled);
  const given = `import { Places } from '${places}';
    const told = [];
    const places = new Places((_what, place) => told.push(place));
    const get = () => { places.note('what', get); return 1; };
    export const row = Object.defineProperty({}, 'old', { get, enumerable: true });
    process.on('exit', () => process.stdout.write(JSON.stringify(told)));`;
  for (const [path, text] of Object.entries({ 'row.mjs': given, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(root, 'main.mjs')], { encoding: 'utf8' });
  return (stdout === '' ? [stderr] : JSON.parse(stdout)).map((place: string) => place.replace(`${root}/`, ''));
}
const importRow = `import { row } from './row.mjs';\n`;

test('each line that reads is told once, as a path', () => {
  const main = `${importRow}for (let time = 0; time < 3; time++) {\n row.old;\n  (() => row.old)();\n}`;
  expect(placesOf({ 'main.mjs': main })).toEqual(['main.mjs:3:6', 'main.mjs:4:14']);
});

test('the same with source maps: places are those of the source', () => {
  // One line of the source, main.ts, for the second of what runs.
  const map = JSON.stringify({ version: 3, sources: ['main.ts'], names: [], mappings: ';AACA' });
  const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const main = `${importRow}row.old;\n${comment}`;
  expect(placesOf({ 'main.mjs': main }, '--enable-source-maps')).toEqual([expect.stringMatching(/^main\.ts:2:/)]);
  expect(placesOf({ 'main.mjs': main })).toEqual(['main.mjs:2:5']);
});

test('a library that reads stands for who calls it, generated code for who runs it', () => {
  const library = { 'node_modules/get/index.mjs': 'export const get = (object, name) => object[name];' };
  const main = `${importRow}import { get } from './node_modules/get/index.mjs';\nget(row, 'old');\nget(row, 'old');
    new Function('row', 'return row.old')(row);`;
  expect(placesOf({ ...library, 'main.mjs': main })).toEqual(['main.mjs:3:1', 'main.mjs:4:1', 'main.mjs:5:42']);
});

test('who prints or copies the whole by functions of the engine is not told', () => {
  const main = `${importRow}JSON.stringify(row); Object.assign({}, row); Object.values(row);`;
  expect(placesOf({ 'main.mjs': main })).toEqual([]);
});

test('an application that makes its own stacks is told places, and keeps its own', () => {
  const main = `${importRow}Error.prepareStackTrace = (_error, sites) => sites;\nrow.old;\nif (!Array.isArray(new Error().stack)) throw 0;`;
  expect(placesOf({ 'main.mjs': main })).toEqual(['main.mjs:3:5']);
});

test('a place that is read rarely is told beside a loop that reads all the time', () => {
  const main = `${importRow}for (let time = 0; time < 5; time++) {
    const end = Date.now() + 100;
    while (Date.now() < end) row.old;
    await new Promise((done) => setTimeout(done, 10));
  }
  await new Promise((done) => setTimeout(done, 300));
  for (let time = 0; time < 100; time++) row.old;`;
  expect(placesOf({ 'main.mjs': main })).toEqual(['main.mjs:4:34', 'main.mjs:8:46']);
});

test('a thousand reads are looked at at once, and a thousand a second after that', () => {
  // Each place is another line of its own, since a place is told once; the clock is the module's own.
  const lines = Array.from({ length: 3_000 }, () => 'row.old;').join('\n');
  const clock = 'let now = 1e12; Date.now = () => now; globalThis.pass = (ms) => { now += ms; };';
  const main = `import './clock.mjs';\n${importRow}const read = await import('./lines.mjs');\nglobalThis.pass(500);\nawait import('./more.mjs');`;
  const told = placesOf({
    'clock.mjs': clock,
    'main.mjs': main,
    'lines.mjs': `${importRow}${lines}`,
    'more.mjs': `${importRow}${lines}`,
  });
  const first = told.filter((place) => place.startsWith('lines.mjs'));
  const second = told.filter((place) => place.startsWith('more.mjs'));
  expect({ first: first.length, second: second.length }).toEqual({ first: 1_000, second: 500 });
});

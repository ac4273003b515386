import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { repository } from '../support/bookshop.ts';
import { R1, R2, R3, type RenameFixture, renameFixture } from '../support/rename-fixture.ts';

const require = createRequire(import.meta.url);

let fixture: RenameFixture;
/** An application with an SDK that prints its spans when the process ends. */
beforeAll(async () => {
  fixture = await renameFixture({
    schema: `CREATE TABLE users (id int PRIMARY KEY, old text); INSERT INTO users VALUES (1, 'a')`,
  });
  mkdirSync(join(fixture.project.root, 'node_modules'));
  symlinkSync(repository, join(fixture.project.root, 'node_modules/triphase'));
  fixture.project.write(
    'telemetry.mjs',
    `import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '${pathToFileURL(require.resolve('@opentelemetry/sdk-trace-node'))}';
     const exporter = new InMemorySpanExporter();
     new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
     process.on('exit', () => {
       const spans = exporter.getFinishedSpans().map((span) => {
         const { name, attributes, status, events, parentSpanContext: parent } = span;
         const { spanId: id, traceId: trace } = span.spanContext();
         return { name, attributes, status, events: events.map((event) => event.name), id, trace, parent: parent?.spanId };
       });
       process.stdout.write('\\nSPANS ' + JSON.stringify(spans));
     });`,
  );
});
afterAll(() => fixture.remove());

interface Span {
  name: string;
  attributes: Record<string, unknown>;
  status: { code: number; message?: string };
  events: string[];
  id: string;
  trace: string;
  parent?: string;
}

function phase(
  args: readonly string[],
  env: Record<string, string>,
): { status: number | null; spans: Span[]; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'dist/cli/main.js'), ...args], {
    cwd: fixture.project.root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { PATH: process.env.PATH, DATABASE_URL: fixture.database.url, ...env },
  });
  return { status, spans: JSON.parse(stdout.split('SPANS ')[1] ?? '[]'), stderr };
}

const TRACED = { NODE_OPTIONS: '--import ./telemetry.mjs' };

test('a run is a span below that of its pipeline, with one for each migration', () => {
  const [trace, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const { status, spans } = phase(['migrate', '--release', R1], { ...TRACED, TRACEPARENT: `00-${trace}-${parent}-01` });
  expect(status).toBe(0);
  const root = spans.find(({ name }) => name === 'phase migrate');
  expect(root).toMatchObject({
    trace,
    parent,
    attributes: { 'db.system.name': 'postgresql', 'triphase.command': 'migrate', 'triphase.release': R1 },
  });
  const steps = spans.filter(({ name }) => name.startsWith('migration '));
  expect(steps.map(({ attributes }) => [attributes['triphase.migration.kind'], attributes['triphase.phase']])).toEqual([
    ['schema', 1],
    ['data', 1],
    ['schema', 1],
  ]);
  for (const step of steps) expect(step).toMatchObject({ trace, parent: root?.id, status: { code: 0 } });
  expect(spans).toHaveLength(1 + steps.length);
});

test('a gate that refuses marks its span and those above it, with the code', async () => {
  await fixture.deploy(R2);
  await fixture.database.sql(`UPDATE users SET old = 'late'`);
  const { status, spans } = phase(['migrate', '--release', R3], TRACED);
  expect(status).toBe(4);
  expect(spans.map(({ name }) => name)).toEqual([
    'gate of phase 3',
    expect.stringMatching(/^migration .*phase_3_contract$/),
    'phase migrate',
  ]);
  for (const span of spans) {
    expect(span).toMatchObject({ attributes: { 'error.type': 'PH2006' }, status: { code: 2 }, events: ['exception'] });
  }
  expect(spans.map(({ parent }) => parent)).toEqual([spans[1]?.id, spans[2]?.id, undefined]);
});

test('without an SDK nothing of OpenTelemetry is loaded', () => {
  const { status, stderr } = phase(['finish', '--straggler-window', '0'], { NODE_DEBUG: 'module,esm' });
  expect(status).toBe(0);
  expect(stderr).not.toContain('@opentelemetry');
});

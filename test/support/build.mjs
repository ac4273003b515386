// Compiles src to dist, into few modules: Node looks for and compiles each of them anew at each start, and a command has to be
// there in a blink. What an application imports as triphase/app and triphase/testing is one CommonJS file each besides: Jest's default mode, and
// TypeScript that resolves as CommonJS does, know no other. The types of both are the same, and import nothing.
// Plain JavaScript, since it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const at = (...parts) => join(root, ...parts);

// What has no source any more would be shipped.
rmSync(at('dist'), { recursive: true, force: true });
const compiler = [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', at('tsconfig.build.json')];
const { status } = spawnSync(process.execPath, compiler, { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

/** What is imported by its name, run, or loaded by the CommonJS file of triphase/app. */
const entryPoints = [
  'index',
  'api/index',
  'app/index',
  'testing/index',
  'testing/serve',
  'cli/main',
  'load',
  'project/config',
];
const shared = { bundle: true, platform: 'node', target: 'node20', packages: 'external', logLevel: 'warning' };

buildSync({
  ...shared,
  entryPoints: entryPoints.map((name) => at('dist', `${name}.js`)),
  outdir: at('dist', 'bundled'),
  outbase: at('dist'),
  format: 'esm',
  // What several share is there once: errors and settings are the same for all of them.
  splitting: true,
  // One folder below dist, as every module of src that reads templates or package.json is below src.
  chunkNames: 'shared/[name]-[hash]',
});
buildSync({
  ...shared,
  entryPoints: [at('dist', 'app', 'index.js')],
  outfile: at('dist', 'bundled', 'app', 'index.cjs'),
  format: 'cjs',
  // A configuration is code that is loaded as ever, in the rare case that it has to be.
  external: ['../load.js', '../project/config.js'],
  // Jest's default mode has no import().
  supported: { 'dynamic-import': false },
});

buildSync({
  ...shared,
  entryPoints: [at('dist', 'testing', 'index.js')],
  outfile: at('dist', 'bundled', 'testing', 'index.cjs'),
  format: 'cjs',
  // Where the process is that does the work.
  define: { 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
});

const files = readdirSync(at('dist'), { recursive: true, encoding: 'utf8' });
for (const file of files) if (file.endsWith('.js') && !file.startsWith('bundled')) rmSync(at('dist', file));
cpSync(at('dist', 'bundled'), at('dist'), { recursive: true });
rmSync(at('dist', 'bundled'), { recursive: true });
for (const side of ['app', 'testing']) copyFileSync(at('dist', side, 'index.d.ts'), at('dist', side, 'index.d.cts'));

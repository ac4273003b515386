// Compiles src to dist, and what an application imports as triphase/app to one CommonJS file besides: Jest's default mode, and
// TypeScript that resolves as CommonJS does, know no other. The types of both are the same, and import nothing.
// Plain JavaScript, since it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
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

buildSync({
  entryPoints: [at('dist', 'app', 'index.js')],
  outfile: at('dist', 'app', 'index.cjs'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  packages: 'external',
  // A configuration is code that is loaded as ever, in the rare case that it has to be.
  external: ['../load.js', '../project/config.js'],
  // Jest's default mode has no import().
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
});
copyFileSync(at('dist', 'app', 'index.d.ts'), at('dist', 'app', 'index.d.cts'));

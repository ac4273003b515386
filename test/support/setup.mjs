// Brings a fresh clone to where its commands can run: installs what is missing, and builds what is older than its
// source. With --build it only builds, where the compiler is there: npm runs that after each install.
// Plain JavaScript without dependencies, since it runs before there are any.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const at = (...parts) => join(root, ...parts);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old.`, 'triphase needs Node 20.19 or later.');
}

const lockHash = createHash('sha256')
  .update(readFileSync(at('package-lock.json')))
  .digest('hex');
const installed = at('node_modules', '.triphase-installed');
const isInstalled = existsSync(installed) && readFileSync(installed, 'utf8') === lockHash;
const onlyBuild = process.argv.includes('--build');
if (onlyBuild && !existsSync(at('node_modules', 'typescript'))) process.exit(0);
if (!isInstalled && !onlyBuild) {
  // Not `npm ci`: it refuses a lock file that lacks the optional binaries of some other platform.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  run(
    'Installing dependencies',
    npm,
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    'See the messages above; npm has to reach its registry.',
  );
  writeFileSync(installed, lockHash);
}

const built = newest(at('dist'));
if (built === 0 || newest(at('src')) > built || statSync(at('tsconfig.json')).mtimeMs > built) {
  run('Building', process.execPath, [at('test', 'support', 'build.mjs')]);
}

function run(title, command, args, _hint = 'See the messages above.') {
  process.stderr.write(`${title} ...\n`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    fail(
      `${title} failed${error ? `: ${error.message}` : ''}.`,
      'See the messages above; npm has to reach its registry.',
    );
}

function fail(what, why) {
  process.stderr.write(`${what}\n  ${why}\n`);
  process.exit(1);
}

/** When the newest file below a folder was changed; 0 when there is none. */
function newest(folder) {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true }).reduce((latest, entry) => {
    const path = join(folder, entry.name);
    return Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, 0);
}

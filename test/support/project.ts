import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Writable } from 'node:stream';
import { runCli } from '../../src/cli/program.ts';

/** What a command printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: documents are looked into by the test
  readonly json: any;
}

/** An application of a test's own, in a temporary folder. */
export class TestProject {
  readonly root = mkdtempSync(join(tmpdir(), 'triphase-test-'));
  url: string | undefined;
  /** More of the environment. */
  env: Readonly<Record<string, string>> = {};

  constructor(url?: string, files: Readonly<Record<string, string>> = {}) {
    this.url = url;
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  delete(path: string): void {
    rmSync(join(this.root, path));
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** Every file with its text: to see that nothing was left behind. */
  files(): Record<string, string> {
    const walk = (folder: string): string[] =>
      readdirSync(folder).flatMap((name) =>
        statSync(join(folder, name)).isDirectory() ? walk(join(folder, name)) : [join(folder, name)],
      );
    return Object.fromEntries(walk(this.root).map((file) => [relative(this.root, file), readFileSync(file, 'utf8')]));
  }

  /** Runs the command line in this process, without a terminal. */
  async phase(...args: string[]): Promise<Ran> {
    const stdout = new Sink();
    const stderr = new Sink();
    const env = {
      PHASE_SHADOW_DATABASE_URL: process.env.TRIPHASE_TEST_SERVER,
      ...(this.url === undefined ? {} : { DATABASE_URL: this.url }),
      ...this.env,
    };
    const code = await runCli(args, { cwd: this.root, env, stdin: {}, stdout, stderr });
    return {
      code,
      stdout: stdout.text,
      stderr: stderr.text,
      get json() {
        return JSON.parse(stdout.text);
      },
    };
  }

  /** The same with `--json`; a test that expects success fails with what was printed. */
  // biome-ignore lint/suspicious/noExplicitAny: documents are looked into by the test
  async json(...args: string[]): Promise<any> {
    const ran = await this.phase(...args, '--json');
    if (ran.code !== 0) throw new Error(`phase ${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
    return ran.json;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

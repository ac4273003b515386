import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What squawk found in a script. */
export interface SquawkFinding {
  /** From 1. */
  readonly line: number;
  readonly isError: boolean;
  readonly message: string;
  readonly help: string;
  readonly rule: string;
}

/** Rules that phase has itself and knows more for, or whose subject it sees to: the runner sets time-outs. */
const OURS = [
  'require-timeout-settings',
  'require-lock-timeout',
  'require-statement-timeout',
  'require-concurrent-index-creation',
  'require-concurrent-index-deletion',
  'renaming-column',
  'renaming-table',
  'ban-drop-column',
  'ban-drop-table',
  'changing-column-type',
  'constraint-missing-not-valid',
  'adding-foreign-key-constraint',
  'adding-not-nullable-field',
  'adding-required-field',
  'adding-field-with-default',
  'adding-serial-primary-key-field',
  'disallowed-unique-constraint',
  'ban-create-domain-with-constraint',
  'prefer-robust-stmts',
  'ban-concurrent-index-creation-in-transaction',
  'transaction-nesting',
];

/** The program, where the project, or a folder above it, has the package squawk-cli; else null. */
export function squawkOf(root: string): string | null {
  for (let folder = root; ; folder = dirname(folder)) {
    const program = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? 'squawk.cmd' : 'squawk');
    if (existsSync(program)) return program;
    if (dirname(folder) === folder) return null;
  }
}

/** @throws Error when squawk cannot be run, or says something else than findings. */
export function runSquawk(
  program: string,
  sql: string,
  { isInTransaction }: { readonly isInTransaction: boolean },
): Promise<SquawkFinding[]> {
  const flags = ['--reporter', 'json', '--stdin-filepath', 'migration.sql', '--exclude', OURS.join(',')];
  return new Promise((resolve, reject) => {
    const child = spawn(program, isInTransaction ? [...flags, '--assume-in-transaction'] : flags, {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', () => {
      try {
        resolve(readFindings(out));
      } catch {
        reject(new Error(err.trim() || out.trim()));
      }
    });
    child.stdin.end(sql);
  });
}

interface Reported {
  line: number;
  level: string;
  message: string;
  help: string | null;
  rule_name: string;
}

function readFindings(out: string): SquawkFinding[] {
  return (JSON.parse(out) as Reported[]).map(({ line, level, message, help, rule_name }) => ({
    line: line + 1,
    isError: level === 'Error',
    message,
    help: help ?? '',
    rule: rule_name,
  }));
}

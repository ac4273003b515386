import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { catalogue } from '../../src/domain/errors/catalogue.ts';
import { repository } from './bookshop.ts';

/** The pages that are generated, by their path. */
export function generatedPages(): Record<string, string> {
  return { 'docs/errors.md': errorsPage(), 'docs/cli.md': cliPage() };
}

function errorsPage(): string {
  const rows = Object.entries(catalogue).map(([code, text]) => `| ${code} | ${text.exit} | ${text.title} |`);
  return [
    '# Errors',
    '',
    'Every error has a stable code. With `--json` it is the key `error` of the document on stdout:',
    '`{"error":{"code","message","why","remedy","details"}}`; otherwise three short lines on stderr: what, why, what to do.',
    '',
    '| code | exit | what happened |',
    '|---|---|---|',
    ...rows,
    '',
    'This page is generated from the catalogue in `src/domain/errors`.',
    '',
  ].join('\n');
}

const EXITS: readonly (readonly [number, string])[] = [
  [0, 'done, also with steps held (they are listed)'],
  [1, "failed while running: a migration, the connection (the error's code says what)"],
  [2, 'wrong usage or configuration'],
  [3, 'work remains: `wait` timed out, `--slow-roll`, `status --exit-code` with anything pending or held'],
  [4, 'refused as unsafe: preflight, gate, upgrade jump (also by `plan`)'],
  [5, 'integrity: a checksum, an edited or missing file, a manifest, the order'],
  [6, 'could not get a lock: another runner, or lock time-outs used up'],
];

function cliPage(): string {
  const program = buildProgram(() => async () => undefined);
  return [
    '# The command line',
    '',
    'stdout carries the result and nothing else; progress, prompts and notices go to stderr.',
    '',
    '| exit | meaning |',
    '|---|---|',
    ...EXITS.map(([exit, meaning]) => `| ${exit} | ${meaning} |`),
    '',
    'Flags that every command knows:',
    '',
    ...optionsOf(program),
    '',
    ...program.commands.flatMap((command) => describe(command, 'phase')),
    'This page is generated from the commands in `src/cli/commands`.',
    '',
  ].join('\n');
}

function describe(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((sub) => describe(sub, name));
  const parameters = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('');
  return [`## ${name}${parameters}`, '', sentence(command.description()), '', ...optionsOf(command), ''];
}

function optionsOf(command: Command): string[] {
  return command.options.map(({ flags, description, defaultValue }) => {
    const fallback =
      defaultValue === undefined || typeof defaultValue === 'boolean' ? '' : ` (default ${defaultValue})`;
    return `- \`${flags}\`: ${description}${fallback}`;
  });
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Those whose text in the repository is not what would be generated. */
export function stalePages(): string[] {
  return Object.entries(generatedPages())
    .filter(([path, text]) => readFileSync(join(repository, path), 'utf8') !== text)
    .map(([path]) => path);
}

if (process.argv[1]?.endsWith('generate-docs.ts')) {
  for (const [path, text] of Object.entries(generatedPages())) writeFileSync(join(repository, path), text);
}

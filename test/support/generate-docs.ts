import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { RULES } from '../../src/checks/rules/index.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { catalogue } from '../../src/domain/errors/catalogue.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { planMermaid } from '../../src/report/plan-mermaid.ts';
import { planText } from '../../src/report/plan-text.ts';
import { repository } from './bookshop.ts';
import { EXAMPLE_RELEASES, exampleUpgrade } from './example-upgrade.ts';
import { structureMermaid } from './structure.ts';

/** The pages that are generated, by their path. */
export function generatedPages(): Record<string, string> {
  return {
    'docs/errors.md': errorsPage(),
    'docs/cli.md': cliPage(),
    'docs/checks.md': checksPage(),
    'docs/upgrade-example.md': upgradePage(),
    'docs/architecture.md': architecturePage(),
  };
}

/** The rules that judge migrations, and what phase check finds besides. */
function checksPage(): string {
  const fence = (code: string): string => (/^(?:import|export) /.test(code) ? 'ts' : 'sql');
  return [
    '# What phase check finds',
    '',
    "Generated from `src/checks/rules`. The statements of scripts are read by PostgreSQL's own parser; of migrations in TypeScript and JavaScript those are judged that they really send when they run in an empty database.",
    "What a release adds is judged, and no released migration; tables that are new in it hold nobody up, and steps of renames are phase's own.",
    '',
    'A finding that is meant is silenced in its file, with the reason: `-- phase:allow blocking_index: ten rows` (`//` in TypeScript). A silence without a reason, of an unknown rule, or that silences nothing, is a finding.',
    "`check: { rules: { no_primary_key: 'off' } }` in the configuration turns a rule off, or makes it `warning` or `error`. Exit code 7 says that there is a finding, whatever it is.",
    '',
    'Where the project has [squawk](https://squawkhq.com) (`npm install --save-dev squawk-cli`), scripts are judged by it, too (`squawk_...`), but for rules that phase has itself.',
    '',
    ...RULES.flatMap(({ code, title, why, safely, examples }) => [
      `## ${code}`,
      '',
      `${title}. ${why}`,
      '',
      `Safely: ${safely}`,
      '',
      `\`\`\`${fence(examples.found)}`,
      examples.found,
      '```',
      '',
      'Silent:',
      '',
      `\`\`\`${fence(examples.silent)}`,
      examples.silent,
      '```',
      '',
    ]),
    '## What is found besides',
    '',
    '| finding | what |',
    '|---|---|',
    ...BESIDES.map(([code, what]) => `| \`${code}\` | ${what} |`),
    '',
  ].join('\n');
}

const BESIDES = [
  [
    'PH3001 to PH3028',
    'manifests, checksums, the order, files that are missing: as a run would refuse them ([errors](errors.md))',
  ],
  ['old_name', 'code that names a column by its old name from the release of phase 2 on'],
  ['unedited_copy', 'a copy of a function for phase 2 that nobody has edited'],
  ['unlisted_file', 'a migration that no manifest lists'],
  ['new_for_knex', 'a file in the folder of knex that was not taken over'],
  ['breaks_itself', 'a migration that breaks the very release that it is in'],
  ['touches_differ', 'a manifest that says other tables than the migration touches'],
  ['altered_alone', 'a migration that alters one column of a rename alone'],
  ['unused_version', 'a version of a function or trigger that no migration makes'],
  ['large_change', 'a data migration that would change many rows of the database in one transaction'],
  ['drift', 'what was changed by hand in the database that is given, with the statement that brings it back'],
  ['not_replayed, not_counted', 'what could not be looked at, and why'],
  ['unused_silence, unknown_silence, silence_without_reason', 'a silence that is none'],
] as const;

/** Written by hand, but for its picture. */
function architecturePage(): string {
  const page = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');
  const drawn = ['', '```mermaid', structureMermaid(), '```', ''].join('\n');
  return page.replace(/(<!-- the picture: .* -->\n)[\s\S]*?(<!-- end of the picture -->)/, `$1${drawn}$2`);
}

/** A customer's way from 1.0.0 to 5.0.0. */
function upgradePage(): string {
  const plain = (_style: string, text: string): string => text;
  const block = (plan: Plan): string[] => ['```', planText(plan, plain), '```', ''];
  const blocked = exampleUpgrade({
    more: [[9, { id: 'merge_customers', kind: 'data', touches: ['public.customers'] }]],
  });
  const jump = exampleUpgrade();
  return [
    '# An upgrade over twelve releases',
    '',
    'A customer has 1.0.0 and takes 5.0.0. Between them are five renames in different phases and thirty data migrations.',
    '',
    '## One jump, with a finish',
    '',
    '`phase plan --from 1.0.0 --to 5.0.0`, then `phase migrate --release 5.0.0`, the roll-out, and `phase finish`:',
    '',
    ...block(jump),
    'The same with `--format mermaid`:',
    '',
    '```mermaid',
    planMermaid(jump).trimEnd(),
    '```',
    '',
    '## A jump that is refused',
    '',
    'With a data migration in 4.0.0 that works on `customers` itself it would have to pass what is held of the two renames of that',
    'table, which are hand-written SQL against scaffolded renames. The plan says where to stop:',
    '',
    '```',
    planText(blocked, plain).split('\n').slice(-2).join('\n'),
    '```',
    '',
    '## Slow roll',
    '',
    '`phase migrate --release 5.0.0 --slow-roll` runs one release at a time and exits 3 while more remain; roll each out, and finish it:',
    `${EXAMPLE_RELEASES.slice(1).join(', ')}. Nothing is held for longer than one roll-out.`,
    '',
    '## In maintenance',
    '',
    'With the application stopped, `phase migrate --release 5.0.0 --maintenance` runs everything in the order of the releases; nothing is held:',
    '',
    ...block(exampleUpgrade({ maintenance: true })),
    'This page is generated from `test/support/example-upgrade.ts`.',
    '',
  ].join('\n');
}

function errorsPage(): string {
  const texts = Object.entries(catalogue).sort(([one], [other]) => (one < other ? -1 : 1));
  const rows = texts.map(([code, text]) => `| ${code} | ${text.exit} | ${text.title} |`);
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
  [7, 'differences or findings (`check`, whatever it found; `plan --prove`, `audit verify`)'],
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
  const shown = command.createHelp().visibleCommands(command);
  const subs = command.commands.filter((sub) => shown.includes(sub));
  if (subs.length > 0) return subs.flatMap((sub) => describe(sub, name));
  const parameters = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('');
  return [`## ${name}${parameters}`, '', sentence(command.description()), '', ...optionsOf(command), ''];
}

function optionsOf(command: Command): string[] {
  return command.options.map(({ flags, description, defaultValue }) => {
    const fallback =
      defaultValue === undefined || typeof defaultValue === 'boolean' || Array.isArray(defaultValue)
        ? ''
        : ` (default ${defaultValue})`;
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

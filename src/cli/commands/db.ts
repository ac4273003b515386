import type { Command } from 'commander';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { EMBEDDED_VERSIONS, type EmbeddedVersion, NEWEST_EMBEDDED } from '../../postgres/embedded/binaries.ts';
import { embeddedUrl, startEmbedded, stopEmbedded } from '../../postgres/embedded/server.ts';
import type { Action } from '../action.ts';
import type { CommandContext } from '../context.ts';

/** `phase db start|stop|url` */
export function registerDb(program: Command, action: Action): void {
  const db = program.command('db').description('an embedded PostgreSQL for development; data are kept under .phase/');
  const add = (
    name: string,
    description: string,
    run: (context: CommandContext, version: EmbeddedVersion) => Promise<string | null>,
  ) =>
    db
      .command(name)
      .description(description)
      .option('--pg-version <n>', '14 to 18', String(NEWEST_EMBEDDED))
      .addHelpText('after', `\nExample:\n  phase db ${name} --pg-version 17`)
      .action(
        action(async (context, command) => {
          const url = await run(context, parseVersion(command.opts<{ pgVersion: string }>().pgVersion));
          return { document: { url }, text: url ?? 'no server is running' };
        }),
      );
  add('start', 'start it, and print its URL', async (context, version) =>
    startEmbedded({ version, project: (await context.openProject()).root }),
  );
  add('stop', 'stop it', async (context, version) => {
    const options = { version, project: (await context.openProject()).root };
    const url = await embeddedUrl(options);
    await stopEmbedded(options);
    return url;
  });
  add('url', 'its URL, when it is running', async (context, version) => {
    const url = await embeddedUrl({ version, project: (await context.openProject()).root });
    if (url === null)
      throw new PhaseError('PH5007', { reason: `PostgreSQL ${version} is not running; phase db start starts it.` });
    return url;
  });
}

function parseVersion(text: string): EmbeddedVersion {
  const version = EMBEDDED_VERSIONS.find((candidate) => String(candidate) === text);
  if (version === undefined)
    throw new PhaseError('PH1015', { what: '--pg-version', value: text, allowed: EMBEDDED_VERSIONS.join(', ') });
  return version;
}

import type { Command } from 'commander';
import { NEWEST_EMBEDDED } from '../../postgres/embedded/binaries.ts';
import type { Action } from '../action.ts';

/** `phase db start|stop|url` */
export function registerDb(program: Command, action: Action): void {
  const db = program.command('db').description('an embedded PostgreSQL for development; data are kept under .phase/');
  const add = (name: 'start' | 'stop' | 'url', description: string, version: string) =>
    db
      .command(name)
      .description(description)
      .option('--pg-version <n>', `14 to 18 (else ${version})`)
      .addHelpText('after', `\nExample:\n  phase db ${name} --pg-version 17`)
      .action(
        action(async (context, command) => (await import('../actions/db.ts')).runDb(context, name, command.opts())),
      );
  add('start', 'start it, and print its URL', String(NEWEST_EMBEDDED));
  add('stop', 'stop it', 'each that is running');
  add('url', 'its URL, when it is running', 'the newest that is running');
}

import type { Command } from 'commander';
import { NEWEST_EMBEDDED } from '../../postgres/embedded/binaries.ts';
import type { Action } from '../action.ts';

/** `phase db ...` */
export function registerDb(program: Command, action: Action): void {
  const db = program
    .command('db')
    .description(
      'databases for development and tests, and an embedded PostgreSQL for them, whose data are kept under .phase/',
    );
  const add = (name: 'start' | 'stop' | 'url', description: string, version: string) =>
    db
      .command(name)
      .description(description)
      .option('--pg-version <n>', `14 to 18 (else ${version})`)
      .addHelpText('after', `\nExample:\n  phase db ${name} --pg-version 17`)
      .action(
        action(async (context, command) =>
          (await import('../actions/db/server.ts')).runDb(context, name, command.opts()),
        ),
      );
  add('start', 'start it, and print its URL', String(NEWEST_EMBEDDED));
  add('stop', 'stop it', 'each that is running');
  add('url', 'its URL, when it is running', 'the newest that is running');
  for (const [name, description] of Object.entries(DATABASES) as [keyof typeof DATABASES, string][]) {
    const command = db.command(name).description(description);
    if (name === 'load' || name === 'reset')
      command.option('--from <source>', 'migrations, or a .sql file (else db/structure.sql, else migrations)');
    command
      .addHelpText('after', `\nExample:\n  phase db ${name}${name === 'drop' || name === 'reset' ? ' --yes' : ''}`)
      .action(
        action(async (context, sub) =>
          (await import('../actions/db/databases.ts')).runDatabases(context, name, sub.opts()),
        ),
      );
  }
}

const DATABASES = {
  create: 'create the database that the URL names, where it is missing',
  load: 'load db/structure.sql, with its ledger, into the empty database',
  seed: 'run db/seeds/*.sql and *.ts: rows for development and tests',
  reset: 'drop the database, create it, load it and seed it; for development only',
  drop: 'drop the database; for development only',
} as const;

import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase init`: the configuration and the folders; what exists is left alone. */
export function registerInit(program: Command, action: Action): void {
  program
    .command('init')
    .description('write a commented configuration and the folders')
    .option('--from-knex', 'take over the migrations of a knex project as a baseline, and what its table says has run')
    .option(
      '--from-node-pg-migrate',
      'a baseline in the place of its migrations; where its table says that they have run it counts as applied',
    )
    .option('--from-prisma', 'the same of the migrations of Prisma')
    .option('--from-drizzle', 'the same of those of drizzle-kit')
    .option('--knexfile <file>', 'configuration of knex (else looked for here, in folders around and below)')
    .option('--env <name>', 'of the knexfile (else NODE_ENV, development, or the only one for PostgreSQL)')
    .option(
      '--directory <folder>',
      'of the migrations that are taken over, where they are not found; of knex as often as needed',
      collect,
      [],
    )
    .option('--table <name>', 'where that tool keeps what it has run, where that is not known')
    .option('--no-replay', 'do not try what was taken over on an empty database')
    .option(
      '--deploy <platform>',
      'also what runs migrations there: kubernetes, helm, compose, github, fly, heroku, systemd',
    )
    .option('--ci <ci>', 'github: a workflow that judges migrations in pull requests, and migrates after merges')
    .option('--git', 'let git put manifests of two branches together by phase')
    .addHelpText(
      'after',
      '\nExamples:\n  phase init\n  phase init --from-knex\n  phase init --from-knex --knexfile packages/db/knexfile.ts --env production\n  phase init --from-prisma\n  phase init --deploy kubernetes\n  phase init --ci github --git',
    )
    .action(action(async (context, command) => (await import('../actions/init.ts')).init(context, command.opts())));
}

const collect = (value: string, before: string[]): string[] => [...before, value];

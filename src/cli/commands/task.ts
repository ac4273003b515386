import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase task` */
export function registerTask(program: Command, action: Action): void {
  const group = program.command('task').description('temporary tasks, and migrations that work in batches');
  withSettings(
    group
      .command('run <name>')
      .description('start a new run of a task, and work on it')
      .option('--param <name=value>', 'a parameter; as often as needed', collect, []),
  )
    .addHelpText('after', '\nExample:\n  phase task run fill_countries --param since=2026-01-01 --workers 2')
    .action(action(async (context, command) => (await import('../actions/task.ts')).run(context, command)));
  group
    .command('list [name]')
    .description('the tasks there are with their parameters, and what has run')
    .addHelpText('after', '\nExample:\n  phase task list')
    .action(action(async (context, command) => (await import('../actions/task.ts')).list(context, command.args[0])));
  group
    .command('status <name>')
    .description('how far the last run of a task or migration is, and why it waits')
    .addHelpText('after', '\nExample:\n  phase task status fill_countries')
    .action(
      action(async (context, command) => (await import('../actions/task.ts')).status(context, command.args[0] ?? '')),
    );
  for (const wish of ['pause', 'cancel'] as const) {
    group
      .command(`${wish} <name>`)
      .description(`${wish} what goes on, before its next batch`)
      .addHelpText('after', `\nExample:\n  phase task ${wish} fill_countries`)
      .action(
        action(async (context, command) =>
          (await import('../actions/task.ts')).request(context, command.args[0] ?? '', wish),
        ),
      );
  }
  withSettings(
    group.command('resume <name>').description('go on with what is paused; with what stopped, from its checkpoint'),
  )
    .addHelpText('after', '\nExample:\n  phase task resume fill_countries --batch-ms 50')
    .action(action(async (context, command) => (await import('../actions/task.ts')).resume(context, command)));
  withSettings(
    group.command('set <name>').description('change settings of what goes on; they hold from the next batch'),
  )
    .addHelpText('after', '\nExample:\n  phase task set fill_countries --workers 4 --max-lag 30s')
    .action(action(async (context, command) => (await import('../actions/task.ts')).set(context, command)));
}

const collect = (value: string, before: string[]): string[] => [...before, value];

function withSettings(command: Command): Command {
  return command
    .option('--workers <n>', 'connections that work at the same time')
    .option('--batch-ms <ms>', 'how long a batch may hold its row locks')
    .option('--max-lag <duration>', 'how far a replica may be behind')
    .option('--max-growth <share>', 'share by which the table may grow, such as 0.2')
    .option('--nice <ratio>', 'pause after each batch, as a multiple of its duration');
}

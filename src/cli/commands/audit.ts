import type { Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase audit` */
export function registerAudit(program: Command, action: Action): void {
  const group = program.command('audit').description('what data changes have written down');
  const add = (name: string, description: string, example: string): Command =>
    group
      .command(`${name} [file]`)
      .description(description)
      .option('--migration <id>', 'those of one migration, task, or run of a task (name#number)')
      .option('--ticket <ticket>', 'those of one ticket')
      .addHelpText('after', `\nExample:\n  phase audit ${example}`)
      .action(action(async (context, command) => (await import('../actions/audit.ts')).runAudit(context, command)));
  add('list', 'which there are, and whether their bytes are there', 'list --ticket SHOP-12');
  add('show', 'all that is known of them, and their first lines', 'show merge_uk_into_gb');
  add('verify', 'whether they are what was written; exit 7 when one is not', 'verify');
  add('export', 'as plain CSV into a folder, safe for spreadsheets', 'export --ticket SHOP-12 --out bundle')
    .option('--out <folder>', 'the folder')
    .option('--exact', 'the bytes as they are, also cells that a spreadsheet would run as a formula');
}

import { Argument, type Command } from 'commander';
import type { Action } from '../action.ts';

/** `phase completion bash|zsh|fish`, and what the shells ask at each tab. */
export function registerCompletion(program: Command, action: Action): void {
  const completion = program.command('completion').description('what a shell completes command lines of phase by');
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const source = shell === 'fish' ? 'phase completion fish | source' : `source <(phase completion ${shell})`;
    const file = { bash: '~/.bashrc', zsh: '~/.zshrc', fish: '~/.config/fish/config.fish' }[shell];
    completion
      .command(shell)
      .description(`a script for ${shell}`)
      .addHelpText('after', `\nExample:\n  phase completion ${shell}   # in ${file}: ${source}`)
      .action(action(async () => (await import('../actions/completion.ts')).script(shell)));
  }
  completion
    .command('words', { hidden: true })
    .description('what can be typed next')
    .addArgument(new Argument('[words...]'))
    .addHelpText('after', '\nExample:\n  phase completion words -- release c')
    .action(
      action(async (_context, command) => (await import('../actions/completion.ts')).words(program, command.args)),
    );
}

import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import type { Result } from './output.ts';

/** Adds a command's action: it gets the context, and its result is printed. */
export type Action = (
  run: (context: CommandContext, command: Command) => Promise<Result>,
) => (...args: unknown[]) => Promise<void>;

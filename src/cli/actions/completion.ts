import type { Command, Option } from 'commander';
import { render } from '../../scaffold/templates.ts';
import type { Result } from '../output.ts';

/** A script by which a shell asks `words` at each tab. */
export async function script(shell: 'bash' | 'zsh' | 'fish'): Promise<Result> {
  const text = render(`completion/${shell}.sh`, {}).trimEnd();
  return { document: { shell, script: text }, text };
}

/** Something that can stand where the cursor is. */
interface Candidate {
  readonly word: string;
  readonly description: string;
}

/** What can be typed next, one in a line with what it is for. @param typed the words after `phase`, the last one as far as it goes. */
export async function words(program: Command, typed: readonly string[]): Promise<Result> {
  const candidates = candidatesFor(program, typed);
  const text = candidates.map(({ word, description }) => `${word}\t${description}`).join('\n');
  return { document: { candidates }, text };
}

/** The commands or options that begin as the last word does; none where a value or a file is due. */
export function candidatesFor(program: Command, typed: readonly string[]): Candidate[] {
  const current = typed.at(-1) ?? '';
  let command = program;
  let due: Option | undefined;
  for (const word of typed.slice(0, -1)) {
    if (due !== undefined) due = undefined;
    else if (word.startsWith('-')) due = valueDue(command, word);
    else command = visible(command).find((sub) => sub.name() === word) ?? command;
  }
  if (due !== undefined) return [];
  const all = current.startsWith('-') ? optionsOf(command) : visible(command).map(asCandidate);
  return all.filter(({ word }) => word.startsWith(current));
}

/** The option whose value the next word is. */
function valueDue(command: Command, word: string): Option | undefined {
  const option = chain(command)
    .flatMap(({ options }) => options)
    .find(({ long, short }) => word === long || word === short);
  return option?.required === true ? option : undefined;
}

function optionsOf(command: Command): Candidate[] {
  const options = chain(command).flatMap((one) => one.options.filter(({ hidden }) => !hidden));
  const own = options.map(({ long, short, description }) => ({ word: long ?? short ?? '', description }));
  return [...own, { word: '--help', description: 'display help for command' }];
}

/** A command and those that it is in, whose options it takes, too. */
function chain(command: Command): Command[] {
  return command.parent === null ? [command] : [command, ...chain(command.parent)];
}

/** Without those that are for programs alone. */
function visible(command: Command): Command[] {
  return command.createHelp().visibleCommands(command) as Command[];
}

function asCandidate(command: Command): Candidate {
  return { word: command.name(), description: command.description() };
}

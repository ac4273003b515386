import { scan } from '../postgres/parser.ts';
import { offsetsOf } from './texts.ts';

/** What has to be known of a trigger to say whether its function is told of a column. */
interface TriggerSource {
  /** The function's body. */
  readonly source: string;
  readonly language: string;
  /** Arguments of the trigger, each ended by a zero byte, in hexadecimal. */
  readonly arguments: string;
}

/** What a trigger gives to its function. */
export function argumentsOf({ arguments: encoded }: Pick<TriggerSource, 'arguments'>): string[] {
  return Buffer.from(encoded, 'hex').toString('utf8').split('\0').slice(0, -1);
}

/** Whether a trigger's function, or an argument that the trigger gives it, names a column. */
export async function triggerMentions(trigger: TriggerSource, column: string): Promise<boolean> {
  if (argumentsOf(trigger).includes(column)) return true;
  return (await offsetsOf(trigger.source, trigger.language, column)).length > 0;
}

/** Whether a trigger's function gives NEW as a whole another value, or returns another row: then it may change any column. */
export async function assignsRow({ source, language }: TriggerSource): Promise<boolean> {
  if (language !== 'plpgsql') return language !== 'sql';
  try {
    const words = (await scan(source)).tokens
      .filter(({ tokenName }) => tokenName !== 'SQL_COMMENT' && tokenName !== 'C_COMMENT')
      .map(({ text }) => text.toLowerCase());
    return words.some((word, at) => {
      const [next, previous] = [words[at + 1], words[at - 1]];
      if (word === 'new' || word === '"new"') {
        const takesRow = ['into', 'strict', 'for', 'foreach'].includes(previous ?? '');
        return word === '"new"' || next === ':=' || next === '=' || takesRow;
      }
      // A procedure may give it back as another one, and another name for it is not followed.
      if (word === 'call' || (word === 'alias' && words[at + 2] === 'new')) return true;
      return word === 'return' && next !== 'new' && next !== 'old' && next !== 'null' && next !== ';';
    });
  } catch {
    return true;
  }
}

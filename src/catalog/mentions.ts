import { scan } from 'libpg-query';

/** What has to be known of a trigger to say whether its function is told of a column. */
export interface TriggerSource {
  /** The function's body. */
  readonly source: string;
  readonly language: string;
  /** Arguments of the trigger, each ended by `\000`, as encode(tgargs, 'escape') gives them. */
  readonly arguments: string;
}

/** Whether a trigger's function, or an argument that the trigger gives it, names a column. */
export async function triggerMentions(trigger: TriggerSource, column: string): Promise<boolean> {
  if (trigger.arguments.split('\\000').includes(column)) return true;
  return trigger.language === 'plpgsql' || trigger.language === 'sql'
    ? mentions(trigger.source, column)
    : asWord(trigger.source, column);
}

/**
 * Whether a body in plpgsql or SQL names a column: as an identifier, or as a word in a string that may be run. Comments
 * do not count. PostgreSQL's own scanner takes the body apart, so `email` is not found in `email_address`.
 */
async function mentions(source: string, column: string): Promise<boolean> {
  try {
    const { tokens } = await scan(source);
    return tokens.some(({ text, tokenName }) => {
      if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') return false;
      if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"') === column;
      if (text.startsWith("'") || text.startsWith('$')) return asWord(text, column);
      return text.toLowerCase() === column;
    });
  } catch {
    return asWord(source, column);
  }
}

/** Whether a text holds a name with nothing of a name on either side of it. */
function asWord(text: string, name: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`, 'iu').test(text);
}

import type { MentionFacts, TableFacts } from '../../domain/facts.ts';

/** The last version of a function that db/functions holds. */
export interface KnownVersion {
  readonly version: number;
  readonly content: string;
}

/** A new version of one of the application's functions, for a person to edit. */
export interface FunctionVersion {
  readonly name: string;
  readonly version: number;
  readonly content: string;
  /** Lines of the new version that name the old column. */
  readonly lines: readonly number[];
  /** The version before it, where db/functions did not hold one yet. */
  readonly before: string | null;
}

/** A name that can stand in the name of a file. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/;

/** Whether a new version of a function can be scaffolded: versions go by the function's name alone. */
export function isVersionable({ name, overloaded }: MentionFacts): boolean {
  return !overloaded && FILE_NAME.test(name);
}

/** New versions of the functions that name the column: copies, with a head that says what to edit. */
export function functionVersions(
  { mentions, column }: TableFacts,
  to: string,
  known: ReadonlyMap<string, KnownVersion>,
): FunctionVersion[] {
  return mentions.filter(isVersionable).map((mention) => {
    const { name, definition, lines } = mention;
    const last = known.get(name);
    const printed = `${definition.trim()};\n`;
    const head = [
      `-- For phase 2 of the rename of ${oneLine(column.name)} to ${oneLine(to)}: write the new name where the old one means the column.`,
      '',
    ];
    const body = last?.content ?? printed;
    return {
      name,
      version: (last?.version ?? 1) + 1,
      content: head.join('\n') + body,
      lines: last === undefined ? lines.map((line) => line + head.length - 1) : [],
      before: last === undefined ? printed : null,
    };
  });
}

/** A name may hold a line break, which would end the comment. */
function oneLine(name: string): string {
  return name.replaceAll(/[\r\n]/g, ' ');
}

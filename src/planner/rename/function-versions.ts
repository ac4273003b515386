import type { MentionFacts } from '../../domain/facts.ts';
import { groupBy } from '../../domain/group.ts';
import type { RenamedFunction } from '../../domain/rename.ts';
import type { TableFacts } from '../../objects/table-facts.ts';

/** The last version of a function that db/functions holds. */
export interface KnownVersion {
  readonly version: number;
  readonly content: string;
}

/** A new version of one of the application's functions, for a person to edit. */
export interface FunctionVersion {
  /** Of its files. */
  readonly name: string;
  /** With its schema and the types of its arguments, as PostgreSQL finds it. */
  readonly signature: string;
  readonly version: number;
  readonly content: string;
  /** Lines of the new version that name an old column. */
  readonly lines: readonly number[];
  /** The old columns that it names. */
  readonly columns: readonly string[];
  /** The version before it, where db/functions did not hold one yet. */
  readonly before: string | null;
}

/** How `db/renames` lists it. */
export function renamedFunction(phase: 2 | 3): (version: FunctionVersion) => RenamedFunction {
  return ({ signature, name, version, before }) => ({
    signature,
    file: name,
    version,
    phase,
    withBase: before !== null,
  });
}

/** What the first line of a copy says; `project/copies.ts` knows by its beginning that nobody has reviewed it. */
const TO_DO = 'write the new name where the old one means the column, or take this line out where it means none.';

/** A name that can stand in the name of a file. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/;

/** Whether a new version of a function can be scaffolded: its name becomes that of a file. */
export function isVersionable({ versionName }: MentionFacts): boolean {
  return FILE_NAME.test(versionName);
}

/** A column that functions are looked for that name it, and its new name. */
interface Renamed {
  readonly facts: Pick<TableFacts, 'mentions' | 'column'>;
  readonly to: string;
}

/** New versions of the functions that name a column: copies, with a head that says what to edit. */
export function functionVersions(
  columns: readonly Renamed[],
  known: ReadonlyMap<string, KnownVersion>,
): FunctionVersion[] {
  const found = columns.flatMap(({ facts, to }) =>
    facts.mentions.filter(isVersionable).map((mention) => ({ mention, from: facts.column.name, to })),
  );
  return [...groupBy(found, ({ mention }) => mention.procedure).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { versionName: name, procedure: signature, definition } = first.mention;
    const lines = [...new Set(group.flatMap(({ mention }) => mention.lines))].sort((a, b) => a - b);
    const last = known.get(name);
    const printed = `${definition.trim()};\n`;
    const renamed = group.map(({ from, to }) => `${oneLine(from)} to ${oneLine(to)}`).join(', ');
    const head = [`-- For phase 2 of the rename of ${renamed}: ${TO_DO}`, ''];
    const body = last?.content ?? printed;
    return {
      name,
      signature,
      version: (last?.version ?? 1) + 1,
      content: head.join('\n') + body,
      columns: group.map(({ from }) => from),
      lines: last === undefined ? lines.map((line) => line + head.length - 1) : [],
      before: last === undefined ? printed : null,
    };
  });
}

/** A name may hold a line break, which would end the comment. */
function oneLine(name: string): string {
  return name.replaceAll(/[\r\n]/g, ' ');
}

/** A value in a scaffolded call. */
export type Argument =
  | string
  | number
  | boolean
  | Reference
  | readonly Argument[]
  | { readonly [key: string]: Argument | undefined };

/** What a scaffolded migration does, as data: the templates print it, tests read it. */
export type Code =
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Argument[] }
  /** Several calls in one transaction that is retried as a whole. */
  | { readonly kind: 'atomically'; readonly body: readonly Code[] }
  /** Only while the table does not have the column. */
  | { readonly kind: 'unlessColumn'; readonly on: string; readonly column: string; readonly body: readonly Code[] };

/** A constant of the migration, by its name. */
export class Reference {
  readonly constant: string;

  constructor(constant: string) {
    this.constant = constant;
  }
}

export function call(name: string, ...args: readonly Argument[]): Code {
  return { kind: 'call', name, args };
}

export const execute = (sql: string): Code => call('execute', sql);

/** The functions of triphase that some code calls, sorted: what its file imports. */
export function importsOf(code: readonly Code[]): string[] {
  const names = code.flatMap((part): string[] => {
    if (part.kind === 'call') return part.name === 'backfill' ? [] : [part.name];
    return [...(part.kind === 'atomically' ? ['atomically'] : ['hasColumn']), ...importsOf(part.body)];
  });
  return [...new Set(names)].sort();
}

/** Whether some code runs a backfill, which the runner hands to the migration. */
export function backfills(code: readonly Code[]): boolean {
  return code.some((part) => (part.kind === 'call' ? part.name === 'backfill' : backfills(part.body)));
}

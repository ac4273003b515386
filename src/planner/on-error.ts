import { deriveName, type QualifiedName, quoteIdent, quoteQualified, shortHash, slug } from '../domain/identifier.ts';
import { castType } from '../domain/mapping.ts';
import { type Code, call, execute } from '../objects/code.ts';
import type { PlannedBody } from './rename/plan.ts';

/** A function that converts, and has a result for each value: in the schema of the table, over columns of one side. */
interface OnErrorFunction {
  /** The change that it is of. */
  readonly rename: string;
  /** Not qualified. */
  readonly name: string;
  readonly table: QualifiedName;
  /** What each input is called in `forward`, quoted, and its type. */
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly to: string;
  readonly forward: string;
  /** SQL of the value where `forward` has none. */
  readonly instead: string;
}

/** `convert_users_age`; with a hash where that is taken. */
export function onErrorName(table: string, column: string, taken: ReadonlySet<string>): string {
  const plain = deriveName(`convert_${slug(table)}_${slug(column)}`, '');
  return taken.has(plain) ? deriveName(plain, `_${shortHash(`${table}.${column}`)}`) : plain;
}

/** A call of the function, over `$1`, `$2`. */
export function onErrorCall({ schema }: QualifiedName, name: string, inputs: number): string {
  const values = Array.from({ length: inputs }, (_, at) => `$${at + 1}`);
  return `${quoteQualified({ schema, name })}(${values.join(', ')})`;
}

export function onErrorBody({ rename, name, table, inputs, to, forward, instead }: OnErrorFunction): PlannedBody {
  const functionName = quoteQualified({ schema: table.schema, name });
  const given = inputs.map((input) => `${input.name} ${castType(input.type)}`).join(', ');
  const view = { rename, functionName, inputs: given, to: to.replace(/ COLLATE .*$/, ''), forward, instead };
  return { kind: 'function', name, phase: 1, place: 'first', of: 'on-error', view };
}

/** The function, for whoever writes the table: default privileges may give it to nobody. @param types of its inputs */
export function createOnError({ schema }: QualifiedName, name: string, types: readonly string[]): Code[] {
  const signature = `${quoteIdent(schema)}.${quoteIdent(name)}(${types.map(castType).join(', ')})`;
  return [call('createFunction', name, { version: 1 }), execute(`GRANT EXECUTE ON FUNCTION ${signature} TO PUBLIC`)];
}

export function dropOnError({ schema }: QualifiedName, name: string): Code {
  return call('dropFunction', name, { schema, revertToVersion: 1 });
}

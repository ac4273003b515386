import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ParamValue } from '../ledger/runs.ts';
import { problemOf, strict } from '../project/problems.ts';

/** What a task takes, by name. */
export interface ParamDefinition {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly description?: string | undefined;
  readonly required?: boolean | undefined;
  readonly default?: string | number | boolean | undefined;
  /** The only values allowed. */
  readonly values?: readonly (string | number)[] | undefined;
}

export type ParamDefinitions = Readonly<Record<string, ParamDefinition>>;
const TYPES = ['string', 'integer', 'number', 'boolean', 'date'] as const;

const definitionSchema = strict({
  type: v.picklist(TYPES),
  description: v.optional(v.string()),
  required: v.optional(v.boolean()),
  default: v.optional(v.union([v.string(), v.number(), v.boolean()])),
  values: v.optional(v.pipe(v.array(v.union([v.string(), v.number()])), v.nonEmpty('is empty'))),
});

/** What is wrong with a task's own description of its parameters; empty when nothing is. */
export function problemsOfDefinitions(definitions: unknown): string[] {
  if (typeof definitions !== 'object' || definitions === null) return ['params is no object'];
  return Object.entries(definitions).flatMap(([name, definition]) => {
    const result = v.safeParse(definitionSchema, definition);
    const problems = result.success ? problemsOfDefault(result.output) : result.issues.map(problemOf);
    return problems.map((problem) => `params.${name}: ${problem}`);
  });
}

/** A default is handed over as it stands, so it has to be what a value of the parameter would be. */
function problemsOfDefault(definition: ParamDefinition): string[] {
  const { default: value, required } = definition;
  if (value === undefined) return [];
  if (required === true) return ['required: it has a default, and is never missing'];
  const same = parse(definition, String(value));
  return same === value ? [] : [`default: ${JSON.stringify(value)} is no ${paramInWords(definition)}`];
}

/**
 * The values of a run, from `name=value` as given.
 * @throws PH1023 naming each that is missing, unknown or wrong.
 */
export function readParams(
  task: string,
  definitions: ParamDefinitions,
  given: readonly string[],
): Readonly<Record<string, ParamValue>> {
  const problems: string[] = [];
  const texts = new Map<string, string>();
  for (const pair of given) {
    const [name = '', ...rest] = pair.split('=');
    if (rest.length === 0) problems.push(`${pair} is not name=value`);
    else if (!Object.hasOwn(definitions, name)) problems.push(`${name} is not a parameter`);
    else if (texts.has(name)) problems.push(`${name} is given twice`);
    else texts.set(name, rest.join('='));
  }
  const values: Record<string, ParamValue> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    const text = texts.get(name);
    if (text === undefined) {
      if (definition.default !== undefined) values[name] = definition.default;
      else if (definition.required === true) problems.push(`${name} is missing`);
      continue;
    }
    const value = parse(definition, text);
    if (value === null) problems.push(`${name}=${text} is no ${paramInWords(definition)}`);
    else values[name] = value;
  }
  if (problems.length > 0) throw new PhaseError('PH1023', { task, problems });
  return values;
}

function parse({ type, values }: ParamDefinition, text: string): ParamValue | null {
  const value = PARSERS[type](text);
  return value !== null && values !== undefined && !values.includes(value as string | number) ? null : value;
}

const PARSERS: Readonly<Record<ParamDefinition['type'], (text: string) => ParamValue | null>> = {
  string: (text) => text,
  integer: (text) => (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null),
  number: (text) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null),
  boolean: (text) => BOOLEANS.get(text.toLowerCase()) ?? null,
  date: (text) => (isDate(text) ? text : null),
};

const BOOLEANS = new Map([
  ...['true', 'yes', '1'].map((text) => [text, true] as const),
  ...['false', 'no', '0'].map((text) => [text, false] as const),
]);

/** A day that there is: JavaScript takes 30 February for 1 March. */
function isDate(text: string): boolean {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  return date !== null && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** What a parameter takes, in words. */
export function paramInWords({ type, values }: ParamDefinition): string {
  if (values !== undefined) return values.join(' or ');
  return type === 'date' ? 'date such as 2026-01-31' : type;
}

import type { Argument, Code } from '../planner/code.ts';

/** The formatter's line width. */
export const WIDTH = 120;

/** Prints calls as TypeScript, as the formatter of this project would. */
export function printCode(code: readonly Code[], indent: unknown = '  ', knex = 'knex'): string {
  const margin = typeof indent === 'string' ? indent : '  ';
  return code.map((part) => printPart(part, margin, knex)).join('\n');
}

function printPart(part: Code, margin: string, knex: string): string {
  if (part.kind === 'call') return printCall(part.name, part.args, margin, knex);
  const inner = `${margin}  `;
  if (part.kind === 'atomically') {
    return `${margin}await atomically(${knex}, async (trx) => {\n${printCode(part.body, inner, 'trx')}\n${margin}});`;
  }
  const condition = `!(await hasColumn(${knex}, ${printValue(part.on)}, ${printValue(part.column)}))`;
  return `${margin}if (${condition}) {\n${printCode(part.body, inner, knex)}\n${margin}}`;
}

function printCall(name: string, args: readonly Argument[], margin: string, knex: string): string {
  const given = name === 'backfill' ? [] : [knex];
  const flat = `${margin}await ${name}(${[...given, ...args.map((arg) => printValue(arg))].join(', ')});`;
  if (flat.length <= WIDTH && !flat.includes('\n')) return flat;
  const last = args.at(-1);
  if (typeof last === 'object') {
    const before = [...given, ...args.slice(0, -1).map((arg) => printValue(arg))].map((text) => `${text}, `).join('');
    return `${margin}await ${name}(${before}${printObject(last, margin)});`;
  }
  const lines = [...given, ...args.map((arg) => printValue(arg))].map((text) => `${margin}  ${text},\n`).join('');
  return `${margin}await ${name}(\n${lines}${margin});`;
}

function printObject(value: Readonly<Record<string, Argument | undefined>>, margin: string): string {
  const inner = `${margin}  `;
  const lines = Object.entries(value).map(([key, item]) => {
    const flat = `${inner}${printKey(key)}: ${printValue(item ?? false)},`;
    if (flat.length <= WIDTH) return `${flat}\n`;
    return typeof item === 'object'
      ? `${inner}${printKey(key)}: ${printObject(item, inner)},\n`
      : `${inner}${printKey(key)}:\n${inner}  ${printValue(item ?? false)},\n`;
  });
  return `{\n${lines.join('')}${margin}}`;
}

function printValue(value: Argument): string {
  if (typeof value === 'string') return printString(value);
  if (typeof value !== 'object') return String(value);
  const items = Object.entries(value).map(([key, item]) => `${printKey(key)}: ${printValue(item ?? false)}`);
  return `{ ${items.join(', ')} }`;
}

function printKey(key: string): string {
  return /^[a-zA-Z_$][\w$]*$/.test(key) ? key : printString(key);
}

/** Single quotes, or double quotes where those need fewer escapes: what the formatter would choose. */
function printString(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  const singles = text.split("'").length;
  const doubles = text.split('"').length;
  return singles > doubles ? `"${escaped.replaceAll('"', '\\"')}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

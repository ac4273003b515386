import { type Argument, type Code, Reference } from '../objects/code.ts';

/** The formatter's line width. */
export const WIDTH = 120;

/** Prints calls as TypeScript, as the formatter of this project would. */
export function printCode(code: readonly Code[], indent: unknown = '  ', knex = 'knex'): string {
  const margin = typeof indent === 'string' ? indent : '  ';
  return code.map((part) => printPart(part, margin, knex)).join('\n');
}

/** Constants of a migration, each a list. */
export function printConstants(constants: Readonly<Record<string, readonly Argument[]>>): string {
  const printed = Object.entries(constants).map(([name, items]) => {
    const flat = `const ${name} = ${printValue(items)} as const;`;
    return flat.length <= WIDTH && !breaks(items) ? flat : `const ${name} = ${printList(items, '')} as const;`;
  });
  return printed.join('\n');
}

function printPart(part: Code, margin: string, knex: string): string {
  if (part.kind === 'call') return printCall(part.name, [new Reference(knex), ...part.args], margin);
  if (part.kind === 'backfill') return printCall('backfill', [part.request], margin);
  const inner = `${margin}  `;
  if (part.kind === 'insertMissing') {
    const { name, table, columns, where } = part;
    const request = `${inner}${printObject({ table, columns, where }, inner)},\n`;
    const made = `insertMissing(trx, ${printValue(name)}, rows),\n`;
    const flat = `${inner}(rows, trx) => ${made}`;
    const each = flat.length <= WIDTH + 1 ? flat : `${inner}(rows, trx) =>\n${inner}  ${made}`;
    return `${margin}await inBatches(\n${request}${each}${margin});`;
  }
  if (part.kind === 'atomically') {
    return `${margin}await atomically(${knex}, async (trx) => {\n${printCode(part.body, inner, 'trx')}\n${margin}});`;
  }
  const place = `${knex}, ${printValue(part.on)}, ${printValue(part.column)}`;
  const condition =
    part.kind === 'unlessColumn'
      ? `!(await hasColumn(${place}))`
      : `await isOfType(${place}, ${printValue(part.type)})`;
  return `${margin}if (${condition}) {\n${printCode(part.body, inner, knex)}\n${margin}}`;
}

function printCall(name: string, args: readonly Argument[], margin: string): string {
  const flat = `${margin}await ${name}(${args.map(printValue).join(', ')});`;
  const last = args.at(-1);
  const isBroken = isRecord(last) && Object.values(last).some((item) => isList(item) && breaks(item));
  if (flat.length <= WIDTH && !isBroken) return flat;
  if (isRecord(last)) {
    const before = args
      .slice(0, -1)
      .map((arg) => `${printValue(arg)}, `)
      .join('');
    return `${margin}await ${name}(${before}${printObject(last, margin)});`;
  }
  const lines = args.map((arg) => `${margin}  ${printValue(arg)},\n`).join('');
  return `${margin}await ${name}(\n${lines}${margin});`;
}

function printObject(value: Readonly<Record<string, Argument | undefined>>, margin: string): string {
  const inner = `${margin}  `;
  const lines = Object.entries(value).map(([key, item]) => {
    const flat = `${inner}${printItem(key, item)},`;
    if (flat.length <= WIDTH && !(isList(item) && breaks(item))) return `${flat}\n`;
    if (isList(item)) return `${inner}${printKey(key)}: ${printList(item, inner)},\n`;
    return isRecord(item)
      ? `${inner}${printKey(key)}: ${printObject(item, inner)},\n`
      : `${inner}${printKey(key)}:\n${inner}  ${printValue(item ?? false)},\n`;
  });
  return `{\n${lines.join('')}${margin}}`;
}

function printList(items: readonly Argument[], margin: string): string {
  const inner = `${margin}  `;
  const lines = items.map((item) => {
    const flat = `${inner}${printValue(item)},`;
    return flat.length <= WIDTH || !isRecord(item) ? `${flat}\n` : `${inner}${printObject(item, inner)},\n`;
  });
  return `[\n${lines.join('')}${margin}]`;
}

/** The formatter breaks a list of several objects in any case. */
function breaks(items: readonly Argument[]): boolean {
  return items.length > 1 && items.every((item) => isRecord(item) && Object.keys(item).length > 1);
}

function isList(value: Argument | undefined): value is readonly Argument[] {
  return Array.isArray(value);
}

function isRecord(value: Argument | undefined): value is { readonly [key: string]: Argument | undefined } {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Reference);
}

function printValue(value: Argument): string {
  if (typeof value === 'string') return printString(value);
  if (value instanceof Reference) return value.constant;
  if (isList(value)) return `[${value.map((item) => printValue(item)).join(', ')}]`;
  if (!isRecord(value)) return String(value);
  const items = Object.entries(value).map(([key, item]) => printItem(key, item));
  return `{ ${items.join(', ')} }`;
}

/** `key: value`, or the short form for a constant of the same name. */
function printItem(key: string, item: Argument | undefined): string {
  if (item instanceof Reference && item.constant === key) return key;
  return `${printKey(key)}: ${printValue(item ?? false)}`;
}

function printKey(key: string): string {
  return /^[a-zA-Z_$][\w$]*$/.test(key) ? key : printString(key);
}

/** Single quotes, or double quotes where those need fewer escapes: what the formatter would choose. */
export function printString(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  const singles = text.split("'").length;
  const doubles = text.split('"').length;
  return singles > doubles ? `"${escaped.replaceAll('"', '\\"')}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

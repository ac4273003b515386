import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import type { RenamedColumns } from '../../src/app/columns.ts';
import { Places } from '../../src/app/places.ts';
import { Reads } from '../../src/app/reads.ts';
import type { ResultField } from '../../src/app/rows.ts';
import { renameFacts } from '../support/rename-facts.ts';

const RENAME = renameFacts({ name: 'users_email_to_mail', table: 'users', from: 'email', to: 'mail' });
const USERS = { id: '1.1', email: '1.2', mail: '1.3' };
const GROUPS = { id: '2.1', email: '2.2', mail: '2.3' };

/** The row of a result of such columns, whose values are the columns' keys. */
function rowOf(phase: 1 | 2, ...columns: [name: string, key: string][]): Record<string, unknown> {
  const renamed: RenamedColumns = {
    rename: RENAME,
    phase,
    old: new Set([USERS.email]),
    new: new Set([USERS.mail]),
    tables: [],
  };
  const fields = columns.map(([name, key]): ResultField => {
    const [tableID = 0, columnID = 0] = key.split('.').map(Number);
    return { name, tableID, columnID, format: 'text' };
  });
  const parser = new Reads([renamed], new Places(() => undefined)).parserOf(fields);
  const row = parser?.(
    columns.map(([, key]) => key),
    columns.map(() => (raw: unknown) => raw),
  );
  return row ?? Object.fromEntries(columns);
}

test('a hidden column hides no other of its name', () => {
  expect(rowOf(1, ['mail', GROUPS.mail], ['id', USERS.id], ['email', USERS.email], ['mail', USERS.mail])).toEqual({
    mail: GROUPS.mail,
    id: USERS.id,
    email: USERS.email,
  });
  expect(rowOf(2, ['email', GROUPS.email], ['email', USERS.email])).toEqual({ email: GROUPS.email });
});

test('of several columns with one name a row has the last, in the place of the first', () => {
  const row = rowOf(1, ['id', USERS.id], ['email', USERS.email], ['id', GROUPS.id]);
  expect(Object.entries(row)).toEqual([
    ['id', GROUPS.id],
    ['email', USERS.email],
  ]);
});

test('more columns than have room within a row, and names of every kind', () => {
  const names = [...Array.from({ length: 60 }, (_, index) => `c${index}`), '0', 'constructor', 'hasOwnProperty'];
  const columns = names.map((name, index): [string, string] => [name, `1.${index + 10}`]);
  const row = rowOf(1, ...columns, ['email', USERS.email]);
  expect(row).toEqual(Object.fromEntries([...columns, ['email', USERS.email]]));
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
});

const row = () => rowOf(1, ['id', USERS.id], ['email', USERS.email]);

test.each([
  ['a proxy', (of: object) => new Proxy(of, {})],
  ['an object that inherits', (of: object) => Object.create(of)],
  ['a copy of its descriptors', (of: object) => Object.defineProperties({}, Object.getOwnPropertyDescriptors(of))],
  ['a spread', (of: object) => ({ ...of })],
  ['a structured clone', (of: object) => structuredClone(of)],
])('%s of a row has the value', (_what, made) => {
  const copy = made(row());
  expect(copy.email).toBe(USERS.email);
  copy.email = 'changed';
  expect(copy.email).toBe('changed');
});

test('a row is printed with its values, also within others', () => {
  expect(inspect(row())).toBe(`{ id: '${USERS.id}', email: '${USERS.email}' }`);
  expect(inspect({ rows: [row()] }, { compact: true, breakLength: Number.POSITIVE_INFINITY })).toBe(
    `{ rows: [ { id: '${USERS.id}', email: '${USERS.email}' } ] }`,
  );
});

test('a frozen row stays as it is', () => {
  const frozen = row();
  Object.freeze(frozen);
  expect(() => {
    frozen.email = 'changed';
  }).toThrow(TypeError);
  expect(frozen.email).toBe(USERS.email);
});

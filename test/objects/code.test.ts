import { expect, test } from '@jest/globals';
import type { TwinnedObject } from '../../src/domain/rename.ts';
import { type Code, call, importsOf, Reference } from '../../src/objects/code.ts';

// The compiler is what tests these: a call that no operation takes is an error of its own.
const wrong: (() => Code)[] = [
  // @ts-expect-error: no operation is called so.
  () => call('createIndexes', { on: '"t"', name: 'i', definition: 'USING btree (a)' }),
  // @ts-expect-error: a misspelt option.
  () => call('createIndex', { on: '"t"', name: 'i', definition: 'USING btree (a)', uniqe: true }),
  // @ts-expect-error: an option that is missing.
  () => call('createIndex', { on: '"t"', name: 'i' }),
  // @ts-expect-error: a value of another type.
  () => call('confirmGate', 'users_mail_to_email', { phase: 4 }),
  // @ts-expect-error: too many arguments.
  () => call('ensureWithinRewriteLimit', '"t"', '"u"'),
  // @ts-expect-error: a constant of another type.
  () => call('restoreTwinNames', { on: '"t"', column: 'a', by: 'b', carried: new Reference<number>('carried') }),
];

test('generated code is typed by the operations that it calls', () => {
  expect(wrong).toHaveLength(6);
  const right = call('restoreTwinNames', {
    on: '"t"',
    column: 'a',
    by: 'b',
    carried: new Reference<readonly TwinnedObject[]>('carried'),
  });
  expect(importsOf([right, call('execute', 'SELECT 1')])).toEqual(['execute', 'restoreTwinNames']);
});

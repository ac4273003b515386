import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deriveName, identifierBytes, quoteIdent, quoteLiteral, slug } from '../../src/domain/identifier.ts';
import { createDatabase } from '../support/database.ts';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }).filter((text) => !text.includes('\0'));

test('a derived name has at most 63 bytes and ends in its suffix', () => {
  fc.assert(
    fc.property(name, (stem) => {
      const derived = deriveName(stem, '_triphase');
      expect(identifierBytes(derived)).toBeLessThanOrEqual(63);
      expect(derived.endsWith('_triphase')).toBe(true);
    }),
  );
});

test('two names that begin with the same 63 bytes give different derived names', () => {
  const long = 'a'.repeat(63);
  expect(deriveName(`${long}b`, '_x')).not.toBe(deriveName(`${long}c`, '_x'));
});

test('different names never share a slug', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      fc.pre(a !== b);
      expect(slug(a)).not.toBe(slug(b));
    }),
  );
});

test('a slug is a word of lower-case letters, digits and underscores', () => {
  expect(slug('email')).toBe('email');
  expect(slug('Weird "Name"')).toMatch(/^weird_name_[0-9a-f]{8}$/);
  expect(slug('日本')).toMatch(/^[0-9a-f]{8}$/);
});

test('PostgreSQL reads quoted identifiers and literals back as they were', async () => {
  const database = await createDatabase();
  try {
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        const [row] = await database.sql(`SELECT ${quoteLiteral(text)} AS ${quoteIdent(text.slice(0, 10) || 'x')}`);
        expect(Object.values(row)).toEqual([text]);
      }),
      { numRuns: 200 },
    );
  } finally {
    await database.drop();
  }
});

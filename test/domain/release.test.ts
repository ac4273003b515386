import { expect, test } from '@jest/globals';
import { compareReleases, inRange, manifestRelease, nextReleases, parseRelease } from '../../src/domain/release.ts';

test.each([
  ['1.2.0', '1.2.0'],
  ['v1.0', '1.0.0'],
  ['v2', '2.0.0'],
  ['2026.11.1', '2026.11.1'],
  ['2026.11.01', '2026.11.1'],
  ['1.2.0-rc.1', '1.2.0-rc.1'],
])('%s reads as %s', (text, release) => {
  expect(parseRelease(text)).toBe(release);
});

test.each(['', 'next', '1.2.3.4', '1..2', '-1'])('%s is no version', (text) => {
  expect(() => parseRelease(text)).toThrow(expect.objectContaining({ code: 'PH1006' }));
});

test('releases are ordered by number, not by text', () => {
  expect(compareReleases('1.10.0', '1.9.0')).toBeGreaterThan(0);
});

test('a pre-release runs the manifest of the version it leads to, unless it has one', () => {
  expect(manifestRelease('1.2.0-rc.1', ['1.1.0', '1.2.0'])).toBe('1.2.0');
  expect(manifestRelease('1.2.0-rc.1', ['1.2.0-rc.1'])).toBe('1.2.0-rc.1');
});

test('a range takes pre-releases by their order', () => {
  expect(inRange('1.1.9', '<1.2.0')).toBe(true);
  expect(inRange('1.2.0', '<1.2.0')).toBe(false);
});

test('the next three minor releases are proposed', () => {
  expect(nextReleases('1.4.2')).toEqual(['1.5.0', '1.6.0', '1.7.0']);
});

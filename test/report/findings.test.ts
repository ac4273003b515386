import { expect, test } from '@jest/globals';
import type { Finding } from '../../src/domain/finding.ts';
import { FINDING_FORMATS } from '../../src/report/findings.ts';

const FINDING: Finding = {
  code: 'old_name',
  severity: 'error',
  file: 'src/a,b: 100%.ts',
  line: 3,
  message: 'one | two\nthree',
  remedy: 'Do it.',
};
const shown = (format: string, finding: Finding) => FINDING_FORMATS[format]?.([finding]);

test('a GitHub annotation is one line whose properties hold no separators', () => {
  expect(shown('github', FINDING)).toBe(
    '::error file=src/a%2Cb%3A 100%25.ts,line=3,title=old_name::one | two%0Athree Do it.',
  );
  expect(shown('github', { ...FINDING, severity: 'warning', file: null, line: null })).toBe(
    '::warning title=old_name::one | two%0Athree Do it.',
  );
});

test('a finding is one row of a Markdown table', () => {
  expect(shown('markdown', FINDING)?.split('\n').at(-1)).toBe(
    '|  src/a,b: 100%.ts:3 `old_name`  |  one \\| two<br>three  |  Do it.      |',
  );
});

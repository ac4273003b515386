/** A part of the comment in a pull request. */
export interface ReviewPart {
  readonly title: string;
  /** Short, beside the title: `2 findings`. */
  readonly said: string;
  readonly state: 'ok' | 'warning' | 'error';
  /** Markdown; empty where there is nothing to say. */
  readonly body: string;
}

/** By this the comment is found again. */
export const REVIEW_MARK = '<!-- triphase: this comment is updated by each push -->';

/** GitHub takes 65,536 characters. */
const LONGEST = 60_000;

const SIGNS = { ok: '✅', warning: '⚠️', error: '❌' } as const;

/** What a reviewer reads: one comment, the short of it first, each part to unfold. */
export function reviewMarkdown(parts: readonly ReviewPart[]): string {
  const worst = parts.some(({ state }) => state === 'error')
    ? 'error'
    : parts.some(({ state }) => state === 'warning')
      ? 'warning'
      : 'ok';
  const head = [`${REVIEW_MARK}`, `### ${SIGNS[worst]} Database migrations`, ''];
  const rows = [
    '| | | |',
    '|---|---|---|',
    ...parts.map(({ title, said, state }) => `| ${SIGNS[state]} | ${title} | ${said} |`),
    '',
  ];
  const bodies = parts.filter(({ body }) => body !== '').map(({ title, state, body }) => unfolding(title, state, body));
  const whole = [...head, ...rows, ...bodies].join('\n');
  return whole.length <= LONGEST ? whole : `${whole.slice(0, LONGEST)}\n\n...\n\nThe rest is in the log of this run.`;
}

function unfolding(title: string, state: ReviewPart['state'], body: string): string {
  const open = state === 'ok' ? '' : ' open';
  return `<details${open}><summary>${title}</summary>\n\n${body}\n\n</details>\n`;
}

/** A block of code that nothing in it ends. */
export function fenced(code: string, language: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${code.trimEnd()}\n${fence}`;
}

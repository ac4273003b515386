import type { Finding } from '../domain/finding.ts';

/** A comment that says why a finding is meant. */
interface Silence {
  readonly code: string;
  readonly reason: string;
  readonly line: number;
}

const SILENCE = /(?:--|\/\/|\/\*)\s*phase:allow\s+([\w\s,]+?)\s*(?::\s*(.*?))?\s*(?:\*\/)?\s*$/;

/** `-- phase:allow blocking_index: ten rows`, or with `//` in TypeScript; several rules with commas. */
function silencesIn(text: string): Silence[] {
  return text.split(/\r?\n/).flatMap((line, at) => {
    const [, codes, reason = ''] = SILENCE.exec(line) ?? [];
    if (codes === undefined) return [];
    return codes.split(/[\s,]+/).map((code) => ({ code, reason: reason.trim(), line: at + 1 }));
  });
}

/** Findings of one file without those that are meant; a silence that silences nothing, or says no reason, is one itself. */
export function silenced(
  file: string,
  text: string,
  findings: readonly Finding[],
  known: readonly string[],
): Finding[] {
  const silences = silencesIn(text);
  const left = findings.filter(
    ({ code }) => !silences.some((silence) => silence.code === code && silence.reason !== ''),
  );
  const of = (silence: Silence, code: string, message: string, remedy: string): Finding => ({
    code,
    severity: 'error',
    file,
    line: silence.line,
    message,
    remedy,
  });
  const wrong = silences.flatMap((silence): Finding[] => {
    const { code, reason } = silence;
    if (!known.includes(code))
      return [of(silence, 'unknown_silence', `There is no rule ${code}.`, 'docs/checks.md lists the rules.')];
    if (reason === '')
      return [
        of(
          silence,
          'silence_without_reason',
          `It is not said why ${code} is meant.`,
          `Write phase:allow ${code}: and the reason.`,
        ),
      ];
    const isUsed = findings.some((finding) => finding.code === code);
    return isUsed
      ? []
      : [of(silence, 'unused_silence', `There is no finding of ${code} here any more.`, 'Take the comment out.')];
  });
  return [...left, ...wrong];
}

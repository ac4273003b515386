import type { Finding } from '../domain/finding.ts';
import { table } from './table.ts';

/** How each format shows findings. */
export const FINDING_FORMATS: Readonly<Record<string, (findings: readonly Finding[]) => string>> = {
  text: (findings) =>
    findings
      .map(({ code, file, line, message, remedy }) => `${placeOf(file, line)}${code} ${message}\n  -> ${remedy}`)
      .join('\n'),
  json: (findings) => JSON.stringify(findingsDocument(findings), null, 2),
  markdown: (findings) =>
    table([
      ['|', 'where', '|', 'what', '|', 'what to do', '|'],
      ['|', '---', '|', '---', '|', '---', '|'],
      ...findings.map(({ code, file, line, message, remedy }) => {
        const [where, what, remedies] = [`${placeOf(file, line)}\`${code}\``, message, remedy].map(markdownCell);
        return ['|', where ?? '', '|', what ?? '', '|', remedies ?? '', '|'];
      }),
    ]),
  github: (findings) => findings.map(githubCommand).join('\n'),
};

export const findingsDocument = (findings: readonly Finding[]): object => ({ ok: findings.length === 0, findings });

function placeOf(file: string | null, line: number | null): string {
  return file === null ? '' : `${file}${line === null ? '' : `:${line}`} `;
}

const markdownCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\r?\n/g, '<br>');

/** Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function githubCommand({ severity, file, line, code, message, remedy }: Finding): string {
  const properties = Object.entries({ file, line, title: code })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${githubProperty(String(value))}`);
  return `::${severity} ${properties.join(',')}::${githubText(`${message} ${remedy}`)}`;
}

/** A command is one line. */
const githubText = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const githubProperty = (text: string): string => githubText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

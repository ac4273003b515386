import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { plan } from '../../api/plan.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import { compareReleases } from '../../domain/release.ts';
import { folders } from '../../project/folders.ts';
import { fileInGit } from '../../project/git.ts';
import { diffText } from '../../report/diff-text.ts';
import { differencesText } from '../../report/differences.ts';
import { FINDING_FORMATS } from '../../report/findings.ts';
import { planText } from '../../report/plan-text.ts';
import { fenced, type ReviewPart, reviewMarkdown } from '../../report/review.ts';
import { diffSources } from '../../sources/diff.ts';
import type { Surroundings } from '../../sources/open.ts';
import { verify } from '../../sources/verify.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import type { Result } from '../output.ts';
import { surroundingsOf } from '../surroundings.ts';
import { wantedSource } from '../wanted-source.ts';
import { findingsFor } from './check.ts';

interface ReviewFlags {
  base: string;
  post?: string;
}

/** Check, verify, diff and plan as one comment. */
export async function runReview(context: CommandContext, { base, post }: ReviewFlags): Promise<Result> {
  const surroundings = await surroundingsOf(context);
  const parts = [
    await part('Checks', () => checks(context, surroundings, base)),
    await part('What it does to the schema', () => changes(surroundings, base)),
    await part('Run on a clone, there and back', () => verified(surroundings)),
    await part('Plan', () => planned(context, surroundings)),
  ];
  const markdown = reviewMarkdown(parts);
  const posted =
    post === undefined
      ? null
      : await (await import('../github.ts')).postComment(post, markdown, context.surroundings.env);
  if (posted?.notice !== undefined) context.output.notice(posted.notice);
  const isBad = parts.some(({ state }) => state === 'error');
  const document = { ok: !isBad, parts, comment: posted?.url ?? null };
  return { document, text: posted?.url ?? markdown, exitCode: isBad ? 7 : 0 };
}

/** What cannot be looked at is said, and is no success. */
async function part(title: string, look: () => Promise<Omit<ReviewPart, 'title'>>): Promise<ReviewPart> {
  try {
    return { title, ...(await look()) };
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    const { code, message, why, remedy } = error;
    return {
      title,
      said: `${code} ${message}`.replaceAll('|', '\\|').replaceAll(/\s+/g, ' '),
      state: 'error',
      body: [why, remedy].join('\n\n'),
    };
  }
}

async function checks(
  context: CommandContext,
  { project }: Surroundings,
  base: string,
): Promise<Omit<ReviewPart, 'title'>> {
  const findings: readonly Finding[] = await findingsFor(context, project, { base, replay: true });
  if (findings.length === 0) return { said: 'nothing is wrong', state: 'ok', body: '' };
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const said = [
    errors > 0 ? count(errors, 'error') : '',
    findings.length > errors ? count(findings.length - errors, 'warning') : '',
  ]
    .filter((one) => one !== '')
    .join(', ');
  const table = FINDING_FORMATS.markdown?.(findings) ?? '';
  return { said, state: errors > 0 ? 'error' : 'warning', body: table };
}

async function changes(surroundings: Surroundings, base: string): Promise<Omit<ReviewPart, 'title'>> {
  if (fileInGit(surroundings.project.root, base, folders.structure) === null) {
    const body = `${base} has no ${folders.structure}: phase dump writes it.`;
    return { said: 'not known', state: 'warning', body };
  }
  const diff = await diffSources(surroundings, {
    from: { kind: 'git', ref: base },
    to: { kind: 'migrations' },
    allowDataLoss: true,
    renames: [],
  });
  const { length } = diff.statements;
  if (length === 0) return { said: 'nothing', state: 'ok', body: '' };
  const lost = diff.hazards.some(({ kind }) => kind === 'data_loss');
  return {
    said: `${count(length, 'statement')}${lost ? ', with loss of data' : ''}`,
    state: lost ? 'warning' : 'ok',
    body: fenced(diffText(diff), 'sql'),
  };
}

async function verified(surroundings: Surroundings): Promise<Omit<ReviewPart, 'title'>> {
  const { project } = surroundings;
  const isThere = existsSync(join(project.root, folders.structure)) || project.config.wantedSchema !== undefined;
  const to = isThere ? wantedSource(project) : ({ kind: 'migrations' } as const);
  const { applied, differences, down } = await verify(surroundings, { from: { kind: 'migrations' }, to, rows: false });
  const problems = [
    ...(differences.length === 0 ? [] : [fenced(differencesText(differences), 'sql')]),
    ...down.differences.map((line) => `The way back leaves a difference: \`${line}\``),
  ];
  const back = down.irreversible === null ? '' : `; \`${down.irreversible}\` has no way back`;
  if (problems.length > 0)
    return {
      said: `differs from ${folders.structure}, or on the way back`,
      state: 'error',
      body: problems.join('\n\n'),
    };
  const state = down.irreversible === null ? 'ok' : 'warning';
  return {
    said: `${count(applied.length, 'migration')} ran, ${down.reverted.length} of them back${back}`,
    state,
    body: '',
  };
}

/** From the release before, or a fresh database. */
async function planned(context: CommandContext, { history }: Surroundings): Promise<Omit<ReviewPart, 'title'>> {
  const releases = history.manifests.map(({ release }) => release).sort(compareReleases);
  const open = history.manifests.filter(({ state }) => state === 'open').map(({ release }) => release);
  const [from, to] = [releases.findLast((release) => !open.includes(release)), releases.at(-1)];
  if (to === undefined || from === undefined || from === to) return { said: 'nothing is open', state: 'ok', body: '' };
  const [first = to] = open.sort(compareReleases);
  const { refusal, ...document } = await plan({ ...(await context.project()), from, to: first });
  const text = planText({ ...document, stops: document.forcedBy }, (_style, one) => one);
  const pending = document.steps.filter(({ state }) => state === 'pending').length;
  const said = `${from} to ${first}: ${count(pending, 'step')}${document.held.length === 0 ? '' : `, ${document.held.length} held until phase finish`}`;
  return { said, state: refusal === null ? 'ok' : 'warning', body: fenced(text, '') };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { status as readStatus } from '../../api/status.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Status } from '../../domain/status.ts';
import { statusMetrics } from '../../report/openmetrics.ts';
import type { Paint } from '../../report/plan-text.ts';
import { sayRelease } from '../../report/plan-view.ts';
import { table } from '../../report/table.ts';
import type { CommandContext } from '../context.ts';
import { formatNamed, type StatusFormat } from '../formats.ts';
import type { Result } from '../output.ts';

interface StatusFlags {
  exitCode?: boolean;
  count?: boolean;
  watch?: boolean;
  release?: string;
  format: string;
}

/** How each format shows a status. */
const FORMATS: Record<StatusFormat, (status: Status, paint: Paint) => string> = {
  text: statusText,
  json: (status) => JSON.stringify(status, null, 2),
  openmetrics: statusMetrics,
};

export async function runStatus(context: CommandContext, flags: StatusFlags): Promise<Result> {
  const show = formatNamed(FORMATS, flags.format);
  if (flags.format === 'openmetrics' && (flags.watch || context.output.options.json)) {
    const allowed = 'text or json with --watch and --json: a document of OpenMetrics has one end';
    throw new PhaseError('PH1015', { what: '--format', value: flags.format, allowed });
  }
  for (; flags.watch; await sleep(2_000)) context.output.result(await statusOnce(context, flags, show));
  return statusOnce(context, flags, show);
}

async function statusOnce(
  context: CommandContext,
  { release, count, exitCode }: StatusFlags,
  show: (status: Status, paint: Paint) => string,
): Promise<Result> {
  const status = await readStatus({ ...(await context.project()), release, count });
  const isBehind = status.pending.length + status.held.length > 0;
  return {
    document: status,
    text: show(status, (style, text) => context.output.paint(style, text)),
    exitCode: exitCode && isBehind ? 3 : 0,
  };
}

function statusText(status: Status, paint: Paint): string {
  const sections = [
    `release ${sayRelease(status.release)}, confirmed ${sayRelease(status.confirmed)}`,
    section(
      'applied',
      status.applied.map(({ id, release, appliedAt }) => [id, release, appliedAt]),
    ),
    section(
      paint('yellow', 'started, not finished'),
      status.started.map((id) => [id]),
    ),
    section(
      'pending',
      status.pending.map((id) => [id]),
    ),
    section(
      paint('yellow', 'held until phase finish'),
      status.held.map((id) => [id]),
    ),
    section(
      'renames',
      status.renames.map(({ name, table: of, from, to, phase, mismatches, stragglers, lastStragglerAt }) => [
        name,
        `${of}: ${from} -> ${to}`,
        `phase ${phase}`,
        mismatches === null ? 'not counted' : `${mismatches} mismatches`,
        `${stragglers} stragglers${lastStragglerAt === null ? '' : `, last ${lastStragglerAt}`}`,
      ]),
    ),
    section(
      paint('yellow', 'altered by hand since the last run'),
      status.renames.flatMap(({ name, altered }) => altered.map((what) => [name, what])),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}\n${table(rows.map((row) => ['', ...row]))}`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { status as readStatus } from '../../api/status.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import type { ChangeStatus, KeyRunningOut, Status } from '../../domain/status.ts';
import { statusMetrics } from '../../report/openmetrics.ts';
import type { Paint } from '../../report/plan-text.ts';
import { sayRelease } from '../../report/plan-view.ts';
import { table } from '../../report/table.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import { formatNamed, type StatusFormat } from '../formats.ts';
import type { Result } from '../output.ts';

interface StatusFlags {
  exitCode?: boolean;
  count?: boolean;
  watch?: boolean;
  all?: boolean;
  release?: string;
  format: string;
}

/** How each format shows a status. */
const FORMATS: Record<StatusFormat, (status: Status, paint: Paint, isWhole: boolean) => string> = {
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
  { release, count, exitCode, all = false }: StatusFlags,
  show: (status: Status, paint: Paint, isWhole: boolean) => string,
): Promise<Result> {
  const status = await readStatus({ ...(await context.project()), release, count });
  const isBehind = status.pending.length + status.held.length > 0;
  return {
    document: status,
    text: show(status, (style, text) => context.output.paint(style, text), all),
    exitCode: exitCode && isBehind ? 3 : 0,
  };
}

/** How many of a list are shown where not all are asked for: projects that were taken over have hundreds. */
const FEW = 10;

function statusText(status: Status, paint: Paint, isWhole: boolean): string {
  const few = (rows: Rows, end: 'first' | 'last'): Rows => (isWhole ? rows : fewOf(rows, end));
  const sections = [
    `release ${sayRelease(status.release)}, confirmed ${sayRelease(status.confirmed)}`,
    section(
      'applied',
      few(
        status.applied.map(({ id, release, appliedAt }) => [id, release, appliedAt]),
        'last',
      ),
    ),
    section(
      paint('yellow', 'started, not finished'),
      status.started.map((id) => [id]),
    ),
    section(
      'pending',
      few(
        status.pending.map((id) => [id]),
        'first',
      ),
    ),
    section(
      paint('yellow', 'held until phase finish'),
      status.held.map((id) => [id]),
    ),
    section('changes', [
      ...few(status.changes.filter(isDone).map(changeRow), 'last'),
      ...status.changes.filter((change) => !isDone(change)).map(changeRow),
    ]),
    section(paint('yellow', 'keys that run out'), status.runningOut.map(keyRow)),
    section(
      paint('yellow', 'altered by hand since the last run'),
      status.changes.flatMap(({ name, altered }) => altered.map((what) => [name, what])),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

type Rows = readonly (readonly string[])[];

function fewOf(rows: Rows, end: 'first' | 'last'): Rows {
  const left = rows.length - FEW;
  if (left <= 0) return rows;
  const more = [`... ${left} more (--all)`];
  return end === 'first' ? [...rows.slice(0, FEW), more] : [more, ...rows.slice(-FEW)];
}

const isDone = ({ phase }: Pick<ChangeStatus, 'phase'>): boolean => phase === 3;

function keyRow({ table: of, column, type, used, daysLeft, command }: KeyRunningOut): string[] {
  const left = daysLeft === null ? '' : `, ${count(daysLeft, 'day')} left at the rate of inserts`;
  return [`${of}.${column}`, `${type}: ${Math.round(used * 100)} % used${left}`, command];
}

function changeRow(change: ChangeStatus): string[] {
  const { name, table: of, from, to, types, phase, mismatches, stragglers, lastStragglerAt } = change;
  const what = types === null ? `${from} -> ${to}` : `${from} ${types.join(' -> ')}`;
  return [
    name,
    `${of}: ${what}`,
    `phase ${phase}`,
    mismatches === null ? 'not counted' : counted(mismatches, 'mismatches', 'mismatch'),
    `${counted(stragglers, 'stragglers', 'straggler')}${lastStragglerAt === null ? '' : `, last ${lastStragglerAt}`}`,
  ];
}

const counted = (number: number, several: string, one: string): string => `${number} ${number === 1 ? one : several}`;

function section(title: string, rows: Rows): string {
  return rows.length === 0 ? '' : `${title}\n${table(rows.map((row) => ['', ...row]))}`;
}

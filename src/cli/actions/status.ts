import { setTimeout as sleep } from 'node:timers/promises';
import { withConnection } from '../../postgres/connection.ts';
import { currentRelease } from '../../project/target-release.ts';
import { sayRelease } from '../../report/plan-view.ts';
import { table } from '../../report/table.ts';
import { readStatus, type Status } from '../../runner/status.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface StatusFlags {
  exitCode?: boolean;
  count?: boolean;
  watch?: boolean;
  release?: string;
}

export async function runStatus(context: CommandContext, flags: StatusFlags): Promise<Result> {
  for (; flags.watch; await sleep(2_000)) context.output.result(await statusOnce(context, flags));
  return statusOnce(context, flags);
}

async function statusOnce(context: CommandContext, flags: StatusFlags): Promise<Result> {
  const project = await context.openProject();
  const release = currentRelease(project, flags.release);
  const status = await withConnection(
    { url: context.databaseUrl(project), ledgerSchema: project.config.ledgerSchema, applicationName: 'phase status' },
    (db) => readStatus(db, project, release, flags.count ?? false),
  );
  const isBehind = status.pending.length + status.held.length > 0;
  return { document: status, text: describe(context, status), exitCode: flags.exitCode && isBehind ? 3 : 0 };
}

function describe({ output }: CommandContext, status: Status): string {
  const sections = [
    `release ${sayRelease(status.release)}, confirmed ${sayRelease(status.confirmed)}`,
    section(
      'applied',
      status.applied.map(({ id, release, appliedAt }) => [id, release, appliedAt]),
    ),
    section(
      output.paint('yellow', 'started, not finished'),
      status.started.map((id) => [id]),
    ),
    section(
      'pending',
      status.pending.map((id) => [id]),
    ),
    section(
      output.paint('yellow', 'held until phase finish'),
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
      output.paint('yellow', 'altered by hand since the last run'),
      status.renames.flatMap(({ name, altered }) => altered.map((what) => [name, what])),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}\n${table(rows.map((row) => ['', ...row]))}`;
}

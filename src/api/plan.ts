import type { PhaseError } from '../domain/errors/phase-error.ts';
import type { Plan, Stop } from '../domain/plan.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { databaseOf } from '../project/database.ts';
import { environmentOf } from '../project/environments.ts';
import { targetRelease } from '../project/target-release.ts';
import { planFromLedger, planWithoutDatabase } from '../runner/plan.ts';
import { coded } from './coded.ts';
import { read } from './options.ts';
import { openFiles, type ProjectOptions } from './project.ts';

/** As of `phase plan`. */
export interface PlanOptions extends ProjectOptions {
  /** Plan without a database, as if everything up to this release had run. */
  readonly from?: string | undefined;
  /** Else the configuration's release, else the version in package.json. */
  readonly to?: string | undefined;
  readonly maintenance?: boolean | undefined;
}

/** What a run would do, as `phase plan --json` prints it. */
export interface PlanResult extends Omit<Plan, 'stops'> {
  /** Releases to roll out and finish on the way when the jump is refused. */
  readonly stops: readonly Release[];
  /** Why each of them. */
  readonly forcedBy: readonly Stop[];
  /** Why a run would be refused; null when it would not. */
  readonly refusal: PhaseError | null;
  /** Of what is to run, where the environment asks for approvals: how many, and by whom there are some. */
  readonly approvals: readonly { readonly id: string; readonly needed: number; readonly by: readonly string[] }[];
}

/** What a run would do: from what the ledger of the database says, or from a release. Writes nothing, and throws no refusal. */
export async function plan(options: PlanOptions = {}): Promise<PlanResult> {
  const { from, to: given, maintenance, ...rest } = read('plan', options);
  return coded(async () => {
    const files = await openFiles(rest);
    const { project } = files;
    const to = targetRelease(project, given);
    const asked = environmentOf(project, rest.databaseUrl, files.env)?.approvals ?? 0;
    const {
      plan: planned,
      refusal,
      approvals,
    } = from === undefined
      ? await planFromLedger(project, await databaseOf(project, rest.databaseUrl, files.env), to, maintenance, asked)
      : await planWithoutDatabase(project, parseRelease(from), to, maintenance);
    return {
      ...planned,
      stops: planned.stops.map(({ release }) => release),
      forcedBy: planned.stops,
      refusal,
      approvals,
    };
  });
}

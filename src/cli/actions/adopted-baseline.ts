import { dirname } from 'node:path';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { formerLedgerOf } from '../../project/database.ts';
import { readHistory } from '../../project/history.ts';
import { runOnEmpty } from '../../replay/run-on-empty.ts';
import type { KnexBaseline } from '../../wizard/adopt/baseline.ts';
import type { CommandContext } from '../context.ts';
import { count } from '../count.ts';
import { lookAtFormer } from '../look-at-former.ts';

interface Adopted {
  readonly document: object;
  readonly text: readonly string[];
}

/** Says what was taken over, and whether it runs on an empty database: a fresh installation would be the next to find out. */
export async function adoptedBaseline(
  context: CommandContext,
  { release, migrations, settings }: KnexBaseline,
  isTried: boolean,
): Promise<Adopted> {
  const tried = isTried ? await tryOut(context) : null;
  const former = await formerLedgerOf(await context.openProject());
  const ran = await lookAtFormer(
    context,
    former,
    migrations.map(({ id }) => id),
  );
  const folders = [...new Set(migrations.flatMap(({ file }) => (file === null ? [] : [dirname(file)])))];
  const inCode = migrations.filter(({ file }) => file === null);
  const baseline = {
    release,
    migrations: migrations.length,
    folders,
    inCode: inCode.length,
    knexfile: settings.knexfile,
    ranByKnex: ran,
    ranOnEmpty: tried?.ran ?? null,
    problem: tried?.problem ?? null,
  };
  const stays = migrations.length === 1 ? 'its file stays' : 'their files stay';
  const stay = folders.length === 0 ? '' : `; ${stays} in ${folders.join(', ')}`;
  const text = [`took over ${count(migrations.length, 'migration')} as the baseline ${release}${stay}`];
  if (ran !== null) text.push(`knex has run ${ran} of them in the database at hand`);
  if (inCode.length > 0) {
    context.output.notice(
      `${count(inCode.length, 'migration')} of the migrationSource ${inCode.length === 1 ? 'has' : 'have'} no file of that name: what they do stands in code, and phase cannot tell when that is edited.`,
    );
  }
  const swapped = outOfNumber(migrations);
  if (swapped !== null) {
    context.output.notice(
      `knex runs ${swapped.first} before ${swapped.second}, by the text of their names. Where the project's own migrator sorts otherwise, let a knexfile name it: module.exports = { client: 'pg', migrations: { migrationSource } }.`,
    );
  }
  if (tried?.ran) text.push('all of them ran on an empty database');
  else if (tried) context.output.notice(tried.problem ?? '');
  return { document: { baseline }, text };
}

/** Two that would run the other way round if their numbers were compared, in a list that is sorted by text. */
function outOfNumber(migrations: KnexBaseline['migrations']): { first: string; second: string } | null {
  const ids = migrations.map(({ id }) => id);
  const isByText = ids.every((id, at) => at === 0 || (ids[at - 1] ?? '') < id);
  const at = ids.findIndex(
    (id, index) => index > 0 && (ids[index - 1] ?? '').localeCompare(id, 'en', { numeric: true }) > 0,
  );
  return isByText && at > 0 ? { first: ids[at - 1] ?? '', second: ids[at] ?? '' } : null;
}

interface Tried {
  readonly ran: boolean;
  readonly problem: string | null;
}

async function tryOut(context: CommandContext): Promise<Tried> {
  context.output.notice('trying them on an empty database');
  const project = await context.openProject();
  const history = await readHistory(project.root);
  try {
    await runOnEmpty({ project, history, shadow: context.shadowUrl(project) });
    return { ran: true, problem: null };
  } catch (error) {
    if (!(error instanceof PhaseError)) throw error;
    const reason = [error.message, error.why].join(' ');
    return {
      ran: false,
      problem: ['PH1018', 'PH5007'].includes(error.code)
        ? `They were not tried on an empty database: ${reason} ${error.remedy}`
        : `They do not run on an empty database: ${error.message.replace(/\.$/, '')}. ${wayOn(error)} Then the same command tries them again.`,
    };
  }
}

/** What a database has that grew, and an empty one has not. */
function wayOn(error: PhaseError): string {
  if (/extension "[^"]+" is not available/.test(error.message)) {
    return 'The server for replays does not have it: name one that does in shadowDatabaseUrl (phase.config.ts), or PHASE_SHADOW_DATABASE_URL.';
  }
  // Whatever is no word of PostgreSQL's about the migration itself has a way of its own.
  if (error.code !== 'PH5005') return `${error.why} ${error.remedy}`;
  return 'What they expect to find there (schemas, extensions, roles, tables) goes into db/shadow/*.sql; what they read from the environment has to be set.';
}

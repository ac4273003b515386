import type { ErrorTexts } from './text.ts';

/** PH4xxx: a lock could not be had; exit 6. */
export interface LockErrors {
  PH4001: { holder: string; waited: string; stranger?: { pid: number; role: string } };
  PH4002: { what: string; attempts: number; blockers: readonly string[] };
  PH4004: { table: string };
  PH4003: { task: string; holder: string };
}

export const lockErrors: ErrorTexts<LockErrors> = {
  PH4001: {
    exit: 6,
    title: 'Another runner holds the lock',
    what: (d) => `Another runner holds the lock: ${d.holder}.`,
    why: (d) => `Only one runs at a time; it was waited for ${d.waited}.`,
    remedy: (d) =>
      `Let it finish and run the same command again; runnerLockTimeout in the configuration waits longer.${d.stranger === undefined ? '' : ` It is a session of another role, ${d.stranger.role}: where that is none that migrates, end it as a superuser or a member of that role, SELECT pg_terminate_backend(${d.stranger.pid}), and stop who opened it.`}`,
  },
  PH4002: {
    exit: 6,
    title: 'The lock time-outs are used up',
    what: (d) => `${d.what} did not get its lock in ${d.attempts} tries.`,
    why: (d) => (d.blockers.length === 0 ? 'Who held it is not known.' : `It was held by ${d.blockers.join('; ')}.`),
    remedy: () => 'End that transaction or wait for it, then run the same command again: it goes on from here.',
  },
  PH4004: {
    exit: 6,
    title: 'Knex holds its lock',
    what: (d) => `${d.table}_lock says that knex is migrating this database.`,
    why: () =>
      'Two tools that migrate at once would run the same migrations. Knex leaves its lock behind when it dies.',
    remedy: () =>
      'Wait until it is done, and run the same command again. Where no knex runs any more: npx knex migrate:unlock.',
  },
  PH4003: {
    exit: 6,
    title: 'A run of the task is going on',
    what: (d) => `${d.task} is running: ${d.holder}.`,
    why: () => 'A task runs at most once at a time, unless its config says concurrent: true.',
    remedy: (d) => `Wait for it, or phase task cancel ${d.task}; phase task status ${d.task} says how far it is.`,
  },
};

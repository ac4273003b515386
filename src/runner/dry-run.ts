import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration, Plan } from '../domain/plan.ts';
import type { Release } from '../domain/release.ts';
import { gatedStepOf } from '../gates/gate.ts';
import { LEDGER_FORMAT, ledgerFormat, ledgerScripts, recordFormat, servedBefore } from '../ledger/format.ts';
import { appliedIds } from '../ledger/ledger.ts';
import { scriptedMigration } from '../ledger/migrations.ts';
import { recordRelease } from '../ledger/releases.ts';
import { asScaffolded, withContext } from '../operations/context.ts';
import { type Connection, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import { type History, readHistory } from '../project/history.ts';
import type { RunnableMigration } from './apply.ts';
import { scriptedContext } from './dry-run-data.ts';
import { baselineOf } from './former-baseline.ts';
import type { MigrateOptions } from './migrate.ts';
import { readOwnLedger } from './own-ledger.ts';
import { targetOf } from './prepare.ts';
import { prepareRun } from './prepare-run.ts';
import { recordingKnex } from './recording-knex.ts';
import { releasesLeft } from './slow-roll.ts';

export interface DryRun {
  readonly plan: Plan;
  /** A script that psql accepts. */
  readonly script: string;
  readonly statements: readonly string[];
  /** With --slow-roll: releases that would still have migrations to run. */
  readonly remaining: readonly Release[];
}

/**
 * Every statement that a run would issue, without running one: migrations get a knex that writes down what they send.
 * What they read is read from the database as it is now, in a read-only transaction.
 */
export async function dryRun(options: MigrateOptions): Promise<DryRun> {
  const history = await readHistory(options.project.root);
  // Everything that the files alone tell is refused before the database is asked.
  targetOf(history, options.release);
  return withConnection({ ...options.database, applicationName: 'phase dry run' }, async (db) => {
    const ledger = await readOwnLedger(db, options.project, history, { asks: true });
    const { plan, pending, runnable, confirms } = await prepareRun(
      db,
      { project: options.project, history },
      ledger,
      options,
    );
    const recorder = new Recorder(db, options, history);
    await recorder.ledger(baselineOf(ledger, history));
    for (const id of pending) {
      const migration = runnable.get(id);
      if (migration) await recorder.migration(migration);
    }
    recorder.reached(plan.to, confirms);
    const done = new Set([...appliedIds(ledger), ...pending]);
    const remaining = releasesLeft(history, done, { release: plan.to, goal: options.release });
    return { plan, script: recorder.script(plan), statements: recorder.statements, remaining };
  });
}

/** Writes down what migrations send. */
class Recorder {
  readonly #lines: string[] = [];
  readonly statements: string[] = [];
  readonly #db: Connection;
  readonly #options: MigrateOptions;
  readonly #knex: Knex;

  constructor(db: Connection, options: MigrateOptions, history: History) {
    this.#db = db;
    this.#options = options;
    const { config, root } = options.project;
    this.#knex = withContext(recordingKnex(db, this), {
      root,
      renames: history.renames,
      mappings: history.mappings,
      moves: history.moves,
      patience: { lockTimeoutMs: config.lockTimeout, attempts: 1 },
      stragglerWindowMs: options.stragglerWindowMs,
      rewriteLimitBytes: config.rewriteLimit,
      dryRun: true,
      passedGates: null,
    });
  }

  statement(sql: string): void {
    const text = sql.trim().replace(/;$/, '');
    this.statements.push(text);
    this.#lines.push(`${text};`);
  }

  comment(text: string): void {
    this.#lines.push(...text.split(/\r?\n/).map((line) => `-- ${line}`));
  }

  /** The ledger's own statements, where it is not up to date. */
  async ledger(baseline: readonly OrderedMigration[]): Promise<void> {
    const format = await ledgerFormat(this.#db);
    if (format === LEDGER_FORMAT && baseline.length === 0) return;
    this.comment('The ledger.');
    this.statement('BEGIN');
    for (const script of ledgerScripts(this.#db, format)) this.statement(script.trim());
    if (format !== LEDGER_FORMAT) this.statement(recordFormat(this.#db, format, await servedBefore(this.#db)));
    for (const entry of baseline) this.statement(scriptedMigration(this.#db, entry));
    this.statement('COMMIT');
  }

  async migration({ entry, loaded }: RunnableMigration): Promise<void> {
    this.#lines.push('');
    this.comment(`${entry.id} (${entry.kind}, release ${entry.release})`);
    if (gatedStepOf(entry) !== null)
      this.comment('Its gate is checked first: no mismatches, everything before complete, no stragglers.');
    const { lockTimeout } = this.#options.project.config;
    const knex = entry.rename === undefined ? this.#knex : asScaffolded(this.#knex);
    if (!loaded.transaction) {
      this.comment('Outside a transaction.');
      this.statement(`SET lock_timeout = ${lockTimeout}`);
      await this.#body({ entry, loaded }, knex);
      this.statement(scriptedMigration(this.#db, entry));
      return;
    }
    await knex.transaction(async (trx) => {
      this.statement(`SET LOCAL lock_timeout = ${lockTimeout}`);
      await this.#body({ entry, loaded }, trx);
      this.statement(scriptedMigration(this.#db, entry));
    });
  }

  async #body({ entry, loaded }: RunnableMigration, knex: Knex): Promise<void> {
    if (loaded.form === 'sql') {
      for (const sql of loaded.sql.up) this.statement(sql);
      return;
    }
    try {
      await loaded.up(knex, scriptedContext(this) as never);
    } catch (error) {
      throw new PhaseError('PH5005', { id: entry.id, file: loaded.path, reason: reasonOf(error) }, { cause: error });
    }
  }

  /** What the ledger keeps of the releases in the end. */
  reached(migrated: Release, confirmed: Release | null): void {
    this.#lines.push('');
    if (confirmed !== null) this.statement(recordRelease(this.#db, confirmed, 'confirmed'));
    this.statement(recordRelease(this.#db, migrated, 'migrated'));
  }

  script(plan: Plan): string {
    const head = [
      `-- phase migrate --release ${plan.to}: what would run. Nothing was written.`,
      ...plan.held.map((id) => `-- Held until phase finish: ${id}`),
      '\\set ON_ERROR_STOP on',
      '',
    ];
    return `${[...head, ...this.#lines].join('\n')}\n`;
  }
}

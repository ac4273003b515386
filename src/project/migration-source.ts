import type { Knex } from 'knex';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { configOf } from './knexfile.ts';

/** A migration as knex has it. */
export interface SourceMigration {
  up(knex: Knex): unknown;
  down?(knex: Knex): unknown;
  readonly config?: { readonly transaction?: boolean };
}

/** What a source is asked for where the knexfile says nothing. Source: https://knexjs.org/guide/migrations.html#migration-api */
const LOAD_EXTENSIONS = ['.co', '.coffee', '.eg', '.iced', '.js', '.cjs', '.litcoffee', '.ls', '.ts'];

/** What is known of it when it is taken over. */
export interface SourceFacts {
  /** Of the knexfile; null for one that has a single configuration. */
  readonly environment: string | null;
  readonly transaction: boolean;
  readonly hasDown: boolean;
}

/**
 * Hands over to a migration that a `migrationSource` of knex has made in code.
 * @param knexfile the module of the knexfile.
 * @param name by which the source knows it.
 * @throws PH1033, PH1028 when it runs, and there is no such migration.
 */
export function fromMigrationSource(
  knexfile: Record<string, unknown>,
  name: string,
  { environment, transaction, hasDown }: SourceFacts,
) {
  const migration = async (): Promise<SourceMigration> => {
    const chosen = await configOf(knexfile, { asked: environment ?? undefined });
    if (typeof chosen === 'string') throw new PhaseError('PH1033', { file: 'The knexfile', reason: chosen });
    const { migrationSource: source, loadExtensions = LOAD_EXTENSIONS } = chosen.config.migrations ?? {};
    const listed = (await source?.getMigrations(loadExtensions)) ?? [];
    const found = listed.find((one) => source?.getMigrationName(one) === name);
    if (source === undefined || found === undefined) {
      const remedy = 'Bring it back, under the name by which it has run.';
      throw new PhaseError('PH1028', {
        reason: `The migrationSource of the knexfile has no migration ${name}.`,
        remedy,
      });
    }
    return (await source.getMigration(found)) as SourceMigration;
  };
  return {
    up: async (knex: Knex): Promise<void> => void (await (await migration()).up(knex)),
    ...(hasDown ? { down: async (knex: Knex): Promise<void> => void (await (await migration()).down?.(knex)) } : {}),
    config: { transaction },
  };
}

import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OrderedMigration } from '../domain/plan.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import { ledgerScripts, recordFormat } from '../ledger/format.ts';
import { scriptedMigration } from '../ledger/migrations.ts';
import { recordRelease } from '../ledger/releases.ts';
import { plainDatabase } from '../postgres/connection.ts';
import { shadowDatabaseOf } from '../project/database.ts';
import { folders } from '../project/folders.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import { differencesOf } from '../schema/fingerprint.ts';
import { loadDump } from '../schema/load.ts';
import { structureOf } from '../schema/structure.ts';
import { readSource, type Surroundings, stepsOf, withShadow } from './open.ts';

/** db/structure.sql. */
export interface StructureDump {
  readonly text: string;
  /** What a database made of it has not, or has besides, as PostgreSQL tells it; or why it cannot be made. */
  readonly missing: readonly string[];
}

/** What all migrations give, with a ledger that says that they have run; it is loaded once, to see whether it gives the same. @throws what the migrations throw. */
export async function dumpStructure(surroundings: Surroundings): Promise<StructureDump> {
  const schema = await readSource(surroundings, { kind: 'migrations' });
  const text = await structureOf(
    schema,
    await readEmpty(surroundings),
    ledgerOfSteps(surroundings, stepsOf(surroundings)),
  );
  return { text, missing: [...schema.unread, ...(await missingIn(surroundings, text, schema))] };
}

function missingIn(surroundings: Surroundings, sql: string, schema: Schema): Promise<string[]> {
  return withShadow(surroundings, true, (server) =>
    server.withDatabase(async (url) => {
      const database = await shadowDatabaseOf(surroundings.project, url);
      try {
        await loadDump(database, { file: folders.structure, sql });
      } catch (error) {
        if (error instanceof PhaseError) return [`It does not load: ${error.why}`];
        throw error;
      }
      return differencesOf((await readSchema(database)).fingerprint, schema.fingerprint);
    }),
  );
}

/** The schema of a database in which nothing was made, on the server on which the others are. */
export function readEmpty(surroundings: Surroundings): Promise<Schema> {
  const place = surroundings.shadow ?? surroundings.project.root;
  const known = empties.get(place);
  if (known !== undefined) return known;
  const read = withShadow(surroundings, true, (server) => server.withDatabase((url) => readSchema(plainDatabase(url))));
  empties.set(place, read);
  read.catch(() => empties.delete(place));
  return read;
}

/** By server: it does not change. */
const empties = new Map<string, Promise<Schema>>();

/** The same text on every machine. */
const BY = { host: 'structure.sql', toolVersion: '' };

/** Scripts that make the ledger of a database in which the migrations have run. */
export function ledgerOfSteps({ project, history }: Surroundings, steps: readonly OrderedMigration[]): string[] {
  const db = { ledgerSchema: project.config.ledgerSchema };
  const counters = underWay(steps).flatMap((name) => {
    const rename = history.renames.get(name) ?? history.mappings.get(name);
    return rename === undefined ? [] : stragglerCounter(rename.sync.stragglers).create;
  });
  const last = steps.at(-1)?.release;
  const rows = [
    ...counters,
    ...steps.map((step) => scriptedMigration(db, step, BY)),
    ...(last === undefined ? [] : [recordRelease(db, last, 'migrated')]),
  ];
  return [...ledgerScripts(db, 0), recordFormat(db, 0, false), rows.map((row) => `${oneLine(row)};`).join('\n')];
}

const oneLine = (sql: string): string =>
  sql.includes('$$') || /AS '/.test(sql) ? sql : sql.replaceAll(/\s*\n\s*/g, ' ');

/** Renames whose first step is among them and whose last one is not. */
function underWay(steps: readonly OrderedMigration[]): string[] {
  const named = (step: OrderedMigration['step']): string[] =>
    steps.flatMap((one) => (one.step === step && one.rename !== undefined ? [one.rename] : []));
  const ended = named('contract');
  return [...new Set(named('expand'))].filter((name) => !ended.includes(name));
}

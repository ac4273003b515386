import { PhaseError } from '../domain/errors/phase-error.ts';
import { quoteIdent } from '../domain/identifier.ts';
import { type Database, plainDatabase, withConnection } from '../postgres/connection.ts';
import { reasonOf } from '../postgres/errors.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { readSchema, type Schema } from '../schema/facts.ts';
import { differencesOf } from '../schema/fingerprint.ts';
import { type Hazard, hazardsOf } from '../schema/hazards.ts';
import { statementsThatKeepData } from '../schema/keep-data.ts';
import { observe } from '../schema/observe.ts';
import { type PossibleMove, type PossibleRename, possibleMoves, possibleRenames } from '../schema/possible-renames.ts';
import { type Statement, statementsBetween } from '../schema/statements.ts';
import { readEmpty } from './dump.ts';
import { readSource, type Surroundings, withShadow } from './open.ts';
import type { Source } from './source.ts';

/** A column that is renamed: `public.users.email` to `email_address`. */
export interface ChosenRename {
  /** As SQL names it. */
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

export interface DiffOptions {
  readonly from: Source;
  readonly to: Source;
  readonly allowDataLoss: boolean;
  readonly renames: readonly ChosenRename[];
}

export interface SchemaDiff {
  /** In an order that runs. */
  readonly statements: readonly Statement[];
  readonly hazards: readonly Hazard[];
  /** What goes in the wanted schema, and was left: nobody has allowed that its values are lost. */
  readonly kept: readonly string[];
  readonly renames: readonly PossibleRename[];
  readonly moves: readonly PossibleMove[];
  /** What still differs once the statements have run, as PostgreSQL tells it. */
  readonly rest: readonly string[];
  /** Why the statements were not tried, and locks are not known; null where they were. */
  readonly untried: string | null;
}

/** The statements that lead from one schema to another one, tried on a copy of the first. @throws what reading the sources throws; PH5030 when a statement does not run. */
export async function diffSources(surroundings: Surroundings, options: DiffOptions): Promise<SchemaDiff> {
  const [from, to] = [await readSource(surroundings, options.from), await readSource(surroundings, options.to)];
  return diffBetween(surroundings, from, to, options);
}

export async function diffBetween(
  surroundings: Surroundings,
  given: Schema,
  to: Schema,
  { allowDataLoss, renames: chosen }: Pick<DiffOptions, 'allowDataLoss' | 'renames'>,
): Promise<SchemaDiff> {
  return withCopy(surroundings, given, async (db, database, untried) => {
    const first = chosen.map(renameStatement);
    if (first.length > 0 && untried !== null) throw new PhaseError('PH5031', { reason: untried });
    for (const { sql } of first) await db.query(sql);
    const from = first.length === 0 ? given : await readSchema(database);
    const { statements, kept } = allowDataLoss
      ? { statements: await statementsBetween(from, to), kept: [] }
      : await statementsThatKeepData(from, to);
    const tried =
      untried === null ? await tryAll(db, statements) : statements.map((statement) => ({ statement, observed: null }));
    const isComplete = untried === null && kept.length === 0;
    return {
      statements: [...first, ...statements],
      hazards: [
        ...first.flatMap((statement) => hazardsOf(statement, null)),
        ...tried.flatMap(({ statement, observed }) => hazardsOf(statement, observed)),
      ],
      kept,
      renames: possibleRenames(from.facts, to.facts),
      moves: possibleMoves(from.facts, to.facts),
      rest: isComplete ? await restOf(surroundings, database, to) : [],
      untried,
    };
  });
}

function renameStatement({ table, from, to }: ChosenRename): Statement {
  return {
    sql: `ALTER TABLE ${table} RENAME COLUMN ${quoteIdent(from)} TO ${quoteIdent(to)}`,
    object: `column ${table}.${from}`,
    verb: 'alter',
    losesData: false,
    isAlone: false,
    destroys: [],
    subject: null,
  };
}

/**
 * A database with the same schema and nothing in it, on the server for databases that nobody keeps.
 * @param body is told why there is nothing in it, where that server does not have what the schema needs.
 */
async function withCopy<T>(
  surroundings: Surroundings,
  schema: Schema,
  body: (db: Queryable, database: Database, untried: string | null) => Promise<T>,
): Promise<T> {
  const statements = await statementsBetween(await readEmpty(surroundings), schema);
  return withShadow(surroundings, true, (server) =>
    server.withDatabase((url) => {
      const database = plainDatabase(url);
      return withConnection({ ...database, applicationName: 'phase diff' }, async (db) => {
        await ensureRoles(db, schema.roles);
        await db.query(`SET search_path TO ''`);
        await db.query('SET check_function_bodies = off');
        const untried = await inTransaction(db, async () => {
          for (const { sql } of statements) await db.query(sql);
          return null;
        }).catch((error) => reasonOf(error));
        return body(db, database, untried);
      });
    }),
  );
}

async function ensureRoles(db: Queryable, roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    const { rowCount } = await db.query('SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [role]);
    if (rowCount === 0) await db.query(`CREATE ROLE ${quoteIdent(role)}`);
  }
}

async function tryAll(db: Queryable, statements: readonly Statement[]) {
  const tried = [];
  for (const statement of statements) {
    try {
      tried.push({ statement, observed: await observe(db, statement.sql, statement.isAlone) });
    } catch (error) {
      throw new PhaseError('PH5030', { statement: statement.sql, reason: reasonOf(error) }, { cause: error });
    }
  }
  return tried;
}

/** Compared with a copy of the wanted schema on the same server, by what PostgreSQL tells of both. */
async function restOf(surroundings: Surroundings, database: Database, to: Schema): Promise<string[]> {
  const found = await readSchema(database);
  return withCopy(surroundings, to, async (_db, copy, untried) =>
    untried === null ? differencesOf(found.fingerprint, (await readSchema(copy)).fingerprint) : [],
  );
}

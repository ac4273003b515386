import { quoteIdent } from '../../../src/domain/identifier.ts';
import { createDatabase, serverUrl, type TestDatabase } from '../database.ts';
import { fingerprint } from '../fingerprint.ts';
import { TestProject } from '../project.ts';
import { Fleet } from './fleet.ts';
import { besideSplit, type History, type Operation, type Step } from './history.ts';
import type { Action, Way } from './ways.ts';

/** A made-up history as the files of an application, scaffolded release by release as its developers would. */
export class SimulatedProject {
  readonly #project: TestProject;
  readonly #history: History;
  readonly #bases = new Map<number, TestDatabase>();

  private constructor(project: TestProject, history: History) {
    this.#project = project;
    this.#history = history;
  }

  static async build(history: History): Promise<SimulatedProject> {
    const project = new TestProject();
    const simulated = new SimulatedProject(project, history);
    const development = await createDatabase();
    try {
      project.url = development.url;
      for (let place = 0; place < history.releases.length; place++) await simulated.#develop(place);
    } finally {
      await development.drop();
    }
    return simulated;
  }

  async remove(): Promise<void> {
    for (const base of this.#bases.values()) await base.drop();
    this.#project.remove();
  }

  /** What a database holds in which everything up to a release ran, in order, while nothing was alive. */
  async expectedAt(place: number): Promise<string> {
    const database = await this.#at(place);
    try {
      return await contentOf(database);
    } finally {
      await database.drop();
    }
  }

  /**
   * Goes one way on a database of its own, with live clients of every release that may be alive.
   * @returns what the database holds in the end; null when a jump was refused.
   */
  async go(from: number, way: Way): Promise<string | null> {
    const database = await this.#at(from);
    const fleet = new Fleet(database.url, this.#history);
    try {
      await fleet.roll([from]);
      for (const action of way.actions) if (!(await this.#act(database, fleet, action))) return null;
      await fleet.roll([]);
      await database.sql(FORGET);
      return await contentOf(database);
    } finally {
      await fleet.stop();
      await database.drop();
    }
  }

  /** @returns false when it was refused. */
  async #act(database: TestDatabase, fleet: Fleet, action: Action): Promise<boolean> {
    this.#project.url = database.url;
    if (action.kind === 'roll out') {
      await fleet.roll([action.to]);
      return true;
    }
    if (action.kind === 'finish') {
      await alterByHand(database);
      return this.#succeeds('finish', '--straggler-window', '0');
    }
    await alterByHand(database);
    if (action.maintenance) await fleet.roll([]);
    const release = this.#history.releases[action.to] ?? '';
    const flags = action.maintenance ? ['--maintenance'] : [];
    if (!(await this.#succeeds('migrate', '--release', release, '--straggler-window', '0', ...flags))) return false;
    await fleet.roll([...fleet.releases, action.to]);
    return true;
  }

  async #succeeds(...args: string[]): Promise<boolean> {
    const ran = await this.#project.phase(...args, '--json');
    if (ran.code === 0) return true;
    // The jump, or a way back to a release that a step has broken.
    if (['PH2004', 'PH2009'].includes(ran.json.error?.code)) return false;
    throw new Error(`phase ${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
  }

  /** A database in which everything up to a release is applied and confirmed. */
  async #at(place: number): Promise<TestDatabase> {
    let base = this.#bases.get(place);
    if (!base) {
      base = await createDatabase();
      this.#project.url = base.url;
      await this.#project.json('migrate', '--release', this.#history.releases[place] ?? '', '--maintenance');
      // A database that somebody is connected to cannot be cloned.
      await base.client.end();
      this.#bases.set(place, base);
    }
    return createDatabase(serverUrl(), new URL(base.url).pathname.slice(1));
  }

  /** Writes what a release brings, cuts it, and goes on from there. */
  async #develop(place: number): Promise<void> {
    const release = this.#history.releases[place] ?? '';
    this.#project.write('phase.config.json', JSON.stringify({ release }));
    const entries = this.#history.manifests[place]?.migrations ?? [];
    for (const { id } of entries) {
      const step = this.#history.steps.get(id);
      if (step?.operation.kind === 'rename') await this.#scaffold(step.operation);
      else if (step) this.#project.write(...fileOf(step));
    }
    // Not every release has migrations.
    if (entries.length === 0) return;
    await this.#project.json('hash');
    this.#setBreaks(release, entries);
    await this.#project.json('release', 'cut', release);
    await this.#project.json('migrate', '--release', release, '--maintenance', '--straggler-window', '0');
  }

  async #scaffold({ rename, step }: Extract<Operation, { kind: 'rename' }>): Promise<void> {
    if (step !== 'expand') return;
    const releases = rename.releases.map((place) => this.#history.releases[place]).join();
    const common = ['--table', rename.table, '--name', rename.name, '--releases', releases, '--yes'];
    await this.#project.json('new', ...commandOf(rename), ...common);
  }

  #setBreaks(release: string, entries: readonly { id: string; breaks?: string | undefined }[]): void {
    const path = `db/releases/${release}.yml`;
    let text = this.#project.read(path);
    for (const { id, breaks } of entries) {
      if (breaks !== undefined) text = text.replace(`- id: ${id}\n`, `- id: ${id}\n    breaks: "${breaks}"\n`);
    }
    this.#project.write(path, text);
  }
}

/** The kind of a change, and its columns. */
function commandOf({ kind, from, to, releases: [place] }: Extract<Operation, { kind: 'rename' }>['rename']): string[] {
  if (kind === 'rename') return ['rename-column', '--from', from, '--to', to];
  // Shorter each time, so that rows have to be looked at; texts of the simulation are shorter still.
  if (kind === 'retype')
    return ['retype-column', '--column', from, '--to-type', `varchar(${900 - place})`, '--tolerated'];
  const beside = `${besideSplit(to, place)}=CASE WHEN ${quoteIdent(from)} IS NOT NULL THEN 'x' END`;
  return [
    ...['split-column', '--from', from, '--into', `${to}=${quoteIdent(from)}`, '--into', beside],
    ...['--back', quoteIdent(to)],
  ];
}

/**
 * What somebody does by hand to one column of each rename that is under way, this time the old one and the next time the new one, which the next
 * command follows on the other.
 */
async function alterByHand(database: TestDatabase): Promise<void> {
  await database.sql(`DO $$ DECLARE pair record; side text; BEGIN
    IF to_regclass('phase.pairs') IS NULL THEN RETURN; END IF;
    FOR pair IN EXECUTE 'SELECT p.table_oid, a.attname FROM phase.pairs p JOIN pg_attribute a ON a.attrelid = p.table_oid
        AND a.attnum = CASE WHEN extract(milliseconds FROM clock_timestamp())::int % 2 = 0 THEN p.old_number ELSE p.new_number END' LOOP
      EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', pair.table_oid::regclass, pair.attname, clock_timestamp()::text);
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', pair.table_oid::regclass, pair.attname, 1 + extract(milliseconds FROM clock_timestamp())::int % 99);
    END LOOP; END $$`);
}

/** Takes back what was done by hand, so that ends can be compared. */
const FORGET = `DO $$ DECLARE a record; BEGIN
  FOR a IN SELECT attrelid::regclass AS on, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS NULL', a.on, a.attname);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS -1', a.on, a.attname);
  END LOOP; END $$`;

/** Rows that are there from the beginning; clients leave them alone. */
const SEEDED = 2;

function fileOf({ entry, operation }: Step): [path: string, text: string] {
  return [`db/${entry.kind === 'schema' ? 'migrate' : 'data'}/${entry.id}.sql`, sqlOf(operation)];
}

function sqlOf(operation: Operation): string {
  const table = 'table' in operation ? quoteIdent(operation.table) : '';
  switch (operation.kind) {
    case 'create table': {
      const columns = operation.columns.map(quoteIdent);
      const values = operation.columns.map((column) => `'${column} ' || n`);
      return `CREATE TABLE ${table} (id bigint PRIMARY KEY, ${columns.map((column) => `${column} text`).join(', ')});
INSERT INTO ${table} (id, ${columns.join(', ')}) SELECT n, ${values.join(', ')} FROM generate_series(1, ${SEEDED}) AS n;`;
    }
    case 'add column':
      return `ALTER TABLE ${table} ADD COLUMN ${quoteIdent(operation.column)} text;`;
    case 'drop column':
      return `ALTER TABLE ${table} DROP COLUMN ${quoteIdent(operation.column)};`;
    case 'append': {
      const column = quoteIdent(operation.column);
      return `UPDATE ${table} SET ${column} = ${column} || '${operation.text}' WHERE id <= ${SEEDED};`;
    }
    case 'alter default': {
      const action = operation.text === null ? 'DROP DEFAULT' : `SET DEFAULT '${operation.text}'`;
      return `ALTER TABLE ${table} ALTER COLUMN ${quoteIdent(operation.column)} ${action};`;
    }
    case 'rename':
      throw new Error('a rename is scaffolded');
  }
}

/** Schema and seeded rows. */
async function contentOf(database: TestDatabase): Promise<string> {
  const tables = await database.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  const rows: string[] = [];
  for (const { name } of tables) {
    const [{ text }] = await database.sql(
      `SELECT jsonb_agg(to_jsonb(t) ORDER BY id)::text AS text FROM ${quoteIdent(name)} t WHERE id <= ${SEEDED}`,
    );
    rows.push(`${name} ${text}`);
  }
  return [...(await fingerprint(database)), ...rows].join('\n');
}

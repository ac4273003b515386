import type {
  ConstraintFacts,
  IndexFacts,
  StatisticsFacts,
  TableFacts,
  TriggerFacts,
  UniqueFacts,
} from '../../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { differs, type Rename } from '../../domain/rename.ts';
import { type Code, call, execute } from '../code.ts';

/** The pieces that steps are put together from, for one table and rename. */
export class Parts {
  readonly facts: TableFacts;
  readonly rename: Rename;
  /** The table, and both columns, quoted. */
  readonly on: string;
  readonly old: string;
  readonly new: string;
  readonly #twins: ReadonlyMap<string, string>;

  constructor(facts: TableFacts, rename: Rename) {
    this.facts = facts;
    this.rename = rename;
    this.on = quoteQualified(rename.table);
    this.old = quoteIdent(rename.from);
    this.new = quoteIdent(rename.to);
    this.#twins = new Map(
      rename.carried.flatMap((object) => (object.kind === 'trigger' ? [] : [[object.name, object.twin]])),
    );
  }

  twin(name: string): string {
    return this.#twins.get(name) ?? name;
  }

  /** A constant default comes with the column: rows that hold it need no backfill. */
  addColumn(column: string): string {
    const { type, collation, default: standing } = this.facts.column;
    const given = standing?.class === 'constant' ? ` DEFAULT ${standing.expression}` : '';
    return `ALTER TABLE ${this.on} ADD COLUMN ${column} ${type}${collation === null ? '' : ` COLLATE ${collation}`}${given}`;
  }

  attributes(column: string): Code[] {
    const { storage, compression, statisticsTarget, options, comment, privileges } = this.facts.column;
    const alter = `ALTER TABLE ${this.on} ALTER COLUMN ${column}`;
    return [
      ...(storage === null ? [] : [`${alter} SET STORAGE ${storage}`]),
      ...(compression === null ? [] : [`${alter} SET COMPRESSION ${compression}`]),
      ...(statisticsTarget === null ? [] : [`${alter} SET STATISTICS ${statisticsTarget}`]),
      ...(options.length === 0 ? [] : [`${alter} SET (${options.join(', ')})`]),
      ...(comment === null ? [] : [`COMMENT ON COLUMN ${this.on}.${column} IS ${quoteLiteral(comment)}`]),
      ...privileges.map(
        ({ privilege, grantee, grantable }) =>
          `GRANT ${privilege} (${column}) ON ${this.on} TO ${grantee}${grantable ? ' WITH GRANT OPTION' : ''}`,
      ),
    ].map(execute);
  }

  createSync(phase: 1 | 2): Code[] {
    return this.#syncPairs(phase).flatMap(([functionName, triggerName]) => [
      call('createFunction', functionName, { version: 1 }),
      call('createTrigger', triggerName, { version: 1, on: this.on }),
    ]);
  }

  dropSync(phase: 1 | 2): Code[] {
    return this.#syncPairs(phase).flatMap(([functionName, triggerName]) => [
      call('dropTrigger', triggerName, { on: this.on, revertToVersion: 1 }),
      call('dropFunction', functionName, { schema: this.rename.table.schema, revertToVersion: 1 }),
    ]);
  }

  #syncPairs(phase: 1 | 2): [string, string][] {
    const { sync } = this.rename;
    const pair = (names: { functions: readonly string[]; triggers: readonly string[] }): [string, string] => [
      names.functions[phase - 1] ?? '',
      names.triggers[phase - 1] ?? '',
    ];
    return [pair(sync), ...(sync.last === null ? [] : [pair(sync.last)])];
  }

  createStragglers(): Code[] {
    return this.#stragglers().map((name) => execute(`CREATE SEQUENCE IF NOT EXISTS ${name}`));
  }

  dropStragglers(): Code[] {
    return this.#stragglers().map((name) => execute(`DROP SEQUENCE IF EXISTS ${name}`));
  }

  #stragglers(): string[] {
    const { count, last } = this.rename.sync.stragglers;
    return [count, last].map((name) => quoteQualified({ schema: 'phase', name }));
  }

  /** A volatile default stands on one side only; the sequence that it owns goes with it. */
  moveDefault(from: string, to: string): Code[] {
    const { default: standing, ownedSequence } = this.facts.column;
    return [
      ...(standing?.class === 'volatile'
        ? [
            execute(`ALTER TABLE ${this.on} ALTER COLUMN ${to} SET DEFAULT ${standing.expression}`),
            execute(`ALTER TABLE ${this.on} ALTER COLUMN ${from} DROP DEFAULT`),
          ]
        : []),
      ...(ownedSequence === null
        ? []
        : [execute(`ALTER SEQUENCE ${quoteQualified(ownedSequence)} OWNED BY ${this.on}.${to}`)]),
    ];
  }

  fill(from: string, to: string): Code {
    const [source, target] = [quoteIdent(from), quoteIdent(to)];
    return call('backfill', {
      table: this.on,
      set: { [to]: source },
      where: differs(source, target, this.rename.byteEqual),
    });
  }

  createIndex(index: IndexFacts, name: string, definition: string): Code {
    const { unique, tablespace, comment, statistics } = index;
    return call('createIndex', {
      name,
      on: this.on,
      definition,
      ...(unique ? { unique } : {}),
      ...(tablespace === null ? {} : { tablespace }),
      ...(comment === null ? {} : { comment }),
      ...(Object.keys(statistics).length === 0 ? {} : { statistics }),
    });
  }

  /** What the table says of an index of its own: the index is there under the name that it had before. */
  appoint(): Code[] {
    return [...this.facts.indexes, ...this.facts.uniques].flatMap(({ name, clustered, replicaIdentity }) => [
      ...(clustered ? [execute(`ALTER TABLE ${this.on} CLUSTER ON ${quoteIdent(name)}`)] : []),
      ...(replicaIdentity ? [execute(`ALTER TABLE ${this.on} REPLICA IDENTITY USING INDEX ${quoteIdent(name)}`)] : []),
    ]);
  }

  createUnique(unique: UniqueFacts, name: string, definition: string): Code[] {
    const { deferrable, initiallyDeferred, comment, indexComment } = unique;
    return [
      this.createIndex({ ...unique, comment: indexComment }, name, definition),
      call('addUnique', {
        on: this.on,
        name,
        ...(deferrable ? { deferrable } : {}),
        ...(initiallyDeferred ? { initiallyDeferred } : {}),
        ...(comment === null ? {} : { comment }),
      }),
    ];
  }

  addConstraint({ comment }: ConstraintFacts, name: string, definition: string): Code {
    return call('addConstraint', { on: this.on, name, definition, ...(comment === null ? {} : { comment }) });
  }

  createStatistics({ target, comment }: StatisticsFacts, name: string, definition: string): Code[] {
    const object = quoteQualified({ schema: this.rename.table.schema, name });
    return [
      `CREATE STATISTICS IF NOT EXISTS ${object}${definition} FROM ${this.on}`,
      ...(target === null ? [] : [`ALTER STATISTICS ${object} SET STATISTICS ${target}`]),
      ...(comment === null ? [] : [`COMMENT ON STATISTICS ${object} IS ${quoteLiteral(comment)}`]),
    ].map(execute);
  }

  dropStatistics(name: string): Code {
    return execute(`DROP STATISTICS IF EXISTS ${quoteQualified({ schema: this.rename.table.schema, name })}`);
  }

  /** Extended statistics are only computed where all of their columns are analysed. */
  analyze(column: string): Code {
    return execute(this.facts.statistics.length > 0 ? `ANALYZE ${this.on}` : `ANALYZE ${this.on} (${column})`);
  }

  setNotNull(column: string): Code {
    return call('setNotNull', { on: this.on, column });
  }

  renameNotNull(): Code {
    return call('renameNotNull', { on: this.on, column: this.rename.to });
  }

  gate(phase: 2 | 3): Code {
    return call('confirmGate', this.rename.name, { phase });
  }

  swapNames(from: 'twin' | 'name', to: 'twin' | 'name'): Code[] {
    return this.rename.carried.flatMap((object) => {
      if (object.kind === 'trigger') return [];
      const [before, after] = [quoteIdent(object[from]), quoteIdent(object[to])];
      const { schema } = this.rename.table;
      if (object.kind === 'index') return [execute(`ALTER INDEX ${quoteIdent(schema)}.${before} RENAME TO ${after}`)];
      if (object.kind === 'statistics')
        return [execute(`ALTER STATISTICS ${quoteIdent(schema)}.${before} RENAME TO ${after}`)];
      return [execute(`ALTER TABLE ${this.on} RENAME CONSTRAINT ${before} TO ${after}`)];
    });
  }

  /** The application's triggers that name the column: dropped, and created again in another form. */
  rebind(form: 'original' | 'during' | 'after' | 'none'): Code[] {
    return this.facts.triggers.flatMap((trigger) => {
      const definition = trigger.rebound === null || form === 'none' ? null : trigger.rebound[form];
      if (trigger.rebound === null) return [];
      const drop = execute(`DROP TRIGGER IF EXISTS ${quoteIdent(trigger.name)} ON ${this.on}`);
      return [
        ...(form === 'after' ? [] : [drop]),
        ...(definition === null ? [] : [execute(definition), ...this.#triggerState(trigger)]),
      ];
    });
  }

  #triggerState({ name, enabled, comment }: TriggerFacts): Code[] {
    const words = { O: null, D: 'DISABLE TRIGGER', R: 'ENABLE REPLICA TRIGGER', A: 'ENABLE ALWAYS TRIGGER' }[enabled];
    return [
      ...(words === null ? [] : [execute(`ALTER TABLE ${this.on} ${words} ${quoteIdent(name)}`)]),
      ...(comment === null
        ? []
        : [execute(`COMMENT ON TRIGGER ${quoteIdent(name)} ON ${this.on} IS ${quoteLiteral(comment)}`)]),
    ];
  }
}

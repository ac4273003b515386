import type {
  ConstraintFacts,
  DependentFacts,
  IndexFacts,
  StatisticsFacts,
  TableFacts,
  TriggerFacts,
  UniqueFacts,
} from '../../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { differs, isTwinned, type Rename, type TwinnedObject } from '../../domain/rename.ts';
import { type Argument, type Code, call, execute } from '../code.ts';

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
    this.#twins = new Map(rename.carried.filter(isTwinned).map((object) => [key(object, this.on), object.twin]));
  }

  twin(kind: TwinnedObject['kind'], name: string, on: string = this.on): string {
    return this.#twins.get(`${kind} ${on} ${name}`) ?? name;
  }

  /** A constant default comes with the column: rows that hold it need no backfill. A volatile one stands on one side only. */
  addColumn(column: string): string {
    const { type, collation, default: standing, domainDefault } = this.facts.column;
    const given = standing?.class === 'constant' ? ` DEFAULT ${standing.expression}` : '';
    const withheld = domainDefault?.class === 'volatile' ? ' DEFAULT NULL' : '';
    return `ALTER TABLE ${this.on} ADD COLUMN ${column} ${type}${collation === null ? '' : ` COLLATE ${collation}`}${given}${withheld}`;
  }

  /** Undoes `addColumn`. */
  dropColumn(): Code {
    return call('dropColumn', { on: this.on, column: this.rename.to });
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

  /** Each partition may have attributes of its own. */
  copyAttributes(from: string, to: string): Code[] {
    return this.facts.partitioned ? [call('copyAttributes', { on: this.on, from, to })] : [];
  }

  matchNotNull(from: string, to: string): Code[] {
    return this.facts.partitioned ? [call('matchNotNull', { on: this.on, from, to })] : [];
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

  /** A volatile default stands on one side only; the sequence that it owns, and an identity, go with it. */
  moveDefault(from: string, to: string): Code[] {
    const { default: standing, domainDefault, ownedSequence, identity } = this.facts.column;
    const alter = (column: string, action: string) =>
      execute(`ALTER TABLE ${this.on} ALTER COLUMN ${quoteIdent(column)} ${action}`);
    return [
      ...(standing?.class === 'volatile'
        ? [alter(to, `SET DEFAULT ${standing.expression}`), alter(from, 'DROP DEFAULT')]
        : []),
      ...(domainDefault?.class === 'volatile' ? [alter(to, 'DROP DEFAULT'), alter(from, 'SET DEFAULT NULL')] : []),
      ...(ownedSequence === null
        ? []
        : [execute(`ALTER SEQUENCE ${quoteQualified(ownedSequence)} OWNED BY ${this.on}.${quoteIdent(to)}`)]),
      ...(identity ? [call('moveIdentity', { on: this.on, from, to })] : []),
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

  createIndex(index: IndexFacts, name: string, definition: string, counterpart: string): Code {
    return call('createIndex', this.#index(index, name, definition, counterpart));
  }

  #index(index: IndexFacts, name: string, definition: string, counterpart: string) {
    const { unique, tablespace, comment, statistics } = index;
    return {
      name,
      on: quoteQualified(index.on),
      definition,
      ...(unique ? { unique } : {}),
      ...(tablespace === null ? {} : { tablespace }),
      ...(comment === null ? {} : { comment }),
      ...(Object.keys(statistics).length === 0 ? {} : { statistics }),
      ...(this.#isPartitioned(index.on) ? { like: counterpart } : {}),
    };
  }

  /** Only of the table itself it is known; a partition that is partitioned has the same way. */
  #isPartitioned(on: QualifiedName): boolean {
    return this.facts.partitioned && quoteQualified(on) === this.on;
  }

  /** The unique index that phase 3 makes the primary key from. */
  createKeyIndex(key: UniqueFacts): Code {
    const options = this.#index(
      { ...key, comment: key.indexComment },
      this.twin('primary key', key.name),
      key.definition,
      key.name,
    );
    return call('createIndex', { ...options, ...(this.#isPartitioned(key.on) ? { leavesOnly: true } : {}) });
  }

  dropKeyIndex(key: UniqueFacts): Code {
    const partitioned = this.#isPartitioned(key.on) ? { like: key.name, leavesOnly: true } : {};
    return call('dropIndex', { on: this.on, name: this.twin('primary key', key.name), ...partitioned });
  }

  createUnique(unique: UniqueFacts, name: string, form: 'definition' | 'original', counterpart: string): Code[] {
    const { comment, indexComment } = unique;
    const timing = timingOf(unique);
    const index = { ...unique, comment: indexComment };
    const on = quoteQualified(unique.on);
    if (!this.#isPartitioned(unique.on)) {
      const constraint = { on, name, ...timing, ...(comment === null ? {} : { comment }) };
      return [this.createIndex(index, name, unique[form], counterpart), call('addUnique', constraint)];
    }
    const { unique: _, ...options } = this.#index(index, name, unique[form], counterpart);
    const constraint = form === 'definition' ? unique.constraintDefinition : unique.originalConstraint;
    const named = { constraint, ...(comment === null ? {} : { constraintComment: comment }) };
    return [call('addPartitionedUnique', { ...options, ...timing, ...named })];
  }

  addConstraint(constraint: ConstraintFacts, name: string, definition: string): Code {
    const { comment, validated, enforced, on } = constraint;
    return call('addConstraint', {
      on: quoteQualified(on),
      name,
      definition,
      ...(enforced ? (validated ? {} : { validate: false }) : { enforced }),
      ...(comment === null ? {} : { comment }),
    });
  }

  addExclusion({ comment, on }: ConstraintFacts, name: string, definition: string): Code {
    return call('addExclusion', { on: quoteQualified(on), name, definition, ...(comment === null ? {} : { comment }) });
  }

  createStatistics(object: StatisticsFacts, name: string, definition: string): Code[] {
    const { schema, on, target, comment } = object;
    const qualified = quoteQualified({ schema, name });
    return [
      `CREATE STATISTICS IF NOT EXISTS ${qualified}${definition} FROM ${quoteQualified(on)}`,
      ...(target === null ? [] : [`ALTER STATISTICS ${qualified} SET STATISTICS ${target}`]),
      ...(comment === null ? [] : [`COMMENT ON STATISTICS ${qualified} IS ${quoteLiteral(comment)}`]),
    ].map(execute);
  }

  statisticsTwin({ schema, name }: StatisticsFacts): string {
    return this.twin('statistics', name, quoteIdent(schema));
  }

  dropStatistics(object: StatisticsFacts): Code {
    const twin = quoteQualified({ schema: object.schema, name: this.statisticsTwin(object) });
    return execute(`DROP STATISTICS IF EXISTS ${twin}`);
  }

  /** Extended statistics are only computed where all of their columns are analysed. */
  analyze(column: string): Code {
    return execute(this.facts.statistics.length > 0 ? `ANALYZE ${this.on}` : `ANALYZE ${this.on} (${column})`);
  }

  setNotNull(column: string): Code[] {
    const { notNull, notNullValidated, notNullName } = this.facts.column;
    if (!notNull) return [];
    const usual = `${this.rename.table.name}_${this.rename.from}_not_null`;
    const named = column === this.rename.from && notNullName !== null && notNullName !== usual;
    return [
      call('setNotNull', {
        on: this.on,
        column,
        ...(notNullValidated ? {} : { validate: false }),
        ...(named ? { name: notNullName } : {}),
      }),
    ];
  }

  renameNotNull(): Code[] {
    return this.facts.column.notNull ? [call('renameNotNull', { on: this.on, column: this.rename.to })] : [];
  }

  gate(phase: 2 | 3): Code {
    return call('confirmGate', this.rename.name, { phase });
  }

  /** Sync and rebound objects are gone: the old column goes, and what is on the new one gets its names. */
  replaceColumn(): Code {
    const [key] = this.facts.primaryKeys;
    return call('replaceColumn', {
      on: this.on,
      column: this.rename.from,
      by: this.rename.to,
      carried: this.#names(),
      ...(key === undefined ? {} : { primaryKey: this.#primaryKey(key) }),
      ...this.#aside(({ needsPrimaryKey, upserts }) => needsPrimaryKey || upserts),
    });
  }

  #primaryKey(key: UniqueFacts): Argument {
    return {
      name: key.name,
      twin: this.twin('primary key', key.name),
      definition: key.constraintDefinition,
      ...timingOf(key),
      ...(key.comment === null ? {} : { comment: key.comment }),
    };
  }

  setAside(): Code[] {
    const carried = this.#names();
    return [call('setAside', { on: this.on, column: this.rename.from, by: this.rename.to, carried })];
  }

  /** Everything that the old column had, once it is filled again. */
  restoreOriginals(): Code[] {
    const { indexes, uniques, primaryKeys, exclusions, checks, referencing, statistics } = this.facts;
    const original = (constraint: ConstraintFacts) =>
      this.addConstraint(constraint, constraint.name, constraint.original);
    const names = this.#names();
    return [
      ...indexes.map((index) => this.createIndex(index, index.name, index.original, this.#twinOf('index', index))),
      ...uniques.flatMap((unique) =>
        this.createUnique(unique, unique.name, 'original', this.#twinOf('unique', unique)),
      ),
      ...exclusions.map((object) => this.addExclusion(object, object.name, object.original)),
      ...checks.map(original),
      ...this.setNotNull(this.rename.from),
      ...this.matchNotNull(this.rename.to, this.rename.from),
      ...primaryKeys.map((key) => this.#returnPrimaryKey(key)),
      ...referencing.map(original),
      ...(names.length === 0 ? [] : [call('appointOriginals', { on: this.on, carried: names })]),
      ...this.rebindDependents('publications', 'back'),
      ...statistics.flatMap((object) => this.createStatistics(object, object.name, object.original)),
    ];
  }

  #returnPrimaryKey(key: UniqueFacts): Code {
    const keys = this.facts.referencing.map((reference) => {
      const code = this.addConstraint(reference, this.#twinOf('referencing key', reference), reference.definition);
      return code.kind === 'call' ? (code.args[0] ?? '') : '';
    });
    return call('returnPrimaryKey', {
      on: this.on,
      name: key.name,
      twin: this.twin('primary key', key.name),
      from: this.rename.to,
      to: this.rename.from,
      fromIndex: key.definition,
      toIndex: key.original,
      definition: key.originalConstraint,
      ...timingOf(key),
      ...(keys.length === 0 ? {} : { keys }),
      ...this.#aside(({ needsPrimaryKey }) => needsPrimaryKey),
      ...(key.comment === null ? {} : { comment: key.comment }),
    });
  }

  #twinOf(kind: TwinnedObject['kind'], { name, on }: { readonly name: string; readonly on: QualifiedName }): string {
    return this.twin(kind, name, quoteQualified(on));
  }

  /** What hangs on the old column, and its twin, for the calls that give names. */
  #names(): Argument[] {
    return this.rename.carried.filter(isTwinned).map(({ kind, name, twin, on }) => ({
      kind,
      name,
      twin,
      ...(on === undefined ? {} : { on }),
    }));
  }

  /** The application's triggers that name the column, in another form. */
  rebindTriggers(form: keyof NonNullable<TriggerFacts['rebound']>): Code[] {
    return this.facts.triggers.flatMap(({ name, on, rebound }) =>
      rebound === null ? [] : [call('rebindTrigger', name, { on: quoteQualified(on), definition: rebound[form] })],
    );
  }

  /** Binds objects elsewhere to the other column: those that phase 2 can, or publications, which phase 3 has to. */
  rebindDependents(which: 'switch' | 'publications', direction: 'to new' | 'back'): Code[] {
    const { from, to } = this.rename;
    const objects = this.facts.dependents
      .filter(({ kind }) => (kind === 'publication') === (which === 'publications'))
      .filter(({ waitsForKey }) => !waitsForKey)
      .map((object) => this.#named(object));
    if (objects.length === 0) return [];
    const columns = direction === 'back' ? { from: to, to: from, undo: true } : { from, to };
    return [call('rebindDependents', { on: this.on, ...columns, objects })];
  }

  /** Objects that are put aside while the primary key is away, or the old column goes. */
  #aside(which: (object: DependentFacts) => boolean): { dependents?: Argument[] } {
    const objects = this.facts.dependents.filter(which);
    if (objects.length === 0) return {};
    const named = (object: DependentFacts) => ({
      ...this.#named(object),
      ...(object.waitsForKey ? { waits: true } : {}),
    });
    return { dependents: objects.map(named) };
  }

  #named({ kind, name, on }: DependentFacts): { readonly [key: string]: string } {
    return { kind, name, ...(on === null ? {} : { on: quoteQualified(on) }) };
  }
}

function key({ kind, on, name }: TwinnedObject, table: string): string {
  return `${kind} ${on ?? table} ${name}`;
}

function timingOf({ deferrable, initiallyDeferred }: UniqueFacts): { deferrable?: true; initiallyDeferred?: true } {
  return { ...(deferrable ? { deferrable } : {}), ...(initiallyDeferred ? { initiallyDeferred } : {}) };
}

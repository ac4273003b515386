import type { ConstraintFacts, IndexFacts, TableFacts, TriggerFacts, UniqueFacts } from '../../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { differs, type Rename, type RenameStepName } from '../../domain/rename.ts';
import { type Code, call, execute } from '../code.ts';

/** What a step does and how it is undone. */
export interface StepCode {
  readonly up: readonly Code[];
  readonly down: readonly Code[];
  readonly transaction: boolean;
  readonly downTransaction: boolean;
}

/** The five steps of a rename as code; docs/three-phases.md explains each. */
export function stepCode(facts: TableFacts, rename: Rename): Record<RenameStepName, StepCode> {
  const part = new Parts(facts, rename);
  return {
    expand: expand(part),
    backfill: backfill(part),
    constrain: constrain(part),
    switch: turn(part),
    contract: contract(part),
  };
}

/** Column, sync and the column's attributes in one transaction: never a moment with the column and no trigger. */
function expand(part: Parts): StepCode {
  return {
    up: [
      execute(part.addColumn(part.new)),
      ...part.attributes(part.new),
      ...part.createSync(1),
      ...part.rebind('during'),
    ],
    down: [...part.rebind('original'), ...part.dropSync(1), execute(`ALTER TABLE ${part.on} DROP COLUMN ${part.new}`)],
    transaction: true,
    downTransaction: true,
  };
}

function backfill(part: Parts): StepCode {
  return {
    up: [part.fill(part.rename.from, part.rename.to)],
    down: [],
    transaction: false,
    downTransaction: true,
  };
}

function constrain(part: Parts): StepCode {
  const { on, facts, rename } = part;
  return {
    up: [
      ...facts.indexes.map((index) => part.createIndex(index, part.twin(index.name), index.definition)),
      ...facts.uniques.flatMap((unique) => part.createUnique(unique, part.twin(unique.name), unique.definition)),
      ...[...facts.checks, ...facts.foreignKeys].map((constraint) =>
        part.addConstraint(constraint, part.twin(constraint.name), constraint.definition),
      ),
      ...(rename.notNull ? [part.setNotNull(rename.to)] : []),
      execute(`ANALYZE ${on} (${part.new})`),
    ],
    down: [
      ...(rename.notNull ? [execute(`ALTER TABLE ${on} ALTER COLUMN ${part.new} DROP NOT NULL`)] : []),
      ...[...facts.foreignKeys, ...facts.checks, ...facts.uniques].map(({ name }) =>
        call('dropConstraint', { on, name: part.twin(name) }),
      ),
      ...facts.indexes.map(({ name }) => call('dropIndex', { on, name: part.twin(name) })),
    ],
    transaction: false,
    downTransaction: false,
  };
}

/** The new column takes authority; never a moment without a trigger. */
function turn(part: Parts): StepCode {
  const { on, facts } = part;
  return {
    up: [
      part.gate(2),
      ...part.createStragglers(),
      ...part.createSync(2),
      ...part.dropSync(1),
      ...part.moveDefault(part.old, part.new),
      ...facts.foreignKeys.map(({ name }) => call('dropConstraint', { on, name })),
    ],
    down: [
      ...facts.foreignKeys.map((key) => part.addConstraint(key, key.name, key.original)),
      {
        kind: 'atomically',
        body: [
          ...part.createSync(1),
          ...part.dropSync(2),
          ...part.moveDefault(part.new, part.old),
          ...part.dropStragglers(),
        ],
      },
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** Sync and old column go, names are restored. Undoing adds old again with its sync at once, then fills and constrains it. */
function contract(part: Parts): StepCode {
  const { on, facts, rename } = part;
  return {
    up: [
      part.gate(3),
      ...part.rebind('none'),
      ...part.dropSync(2),
      call('dropReplacedColumn', { on, column: rename.from, replacedBy: rename.to }),
      ...part.swapNames('twin', 'name'),
      ...part.rebind('after'),
      ...part.dropStragglers(),
    ],
    down: [
      {
        kind: 'unlessColumn',
        on,
        column: rename.from,
        body: [
          {
            kind: 'atomically',
            body: [
              ...part.swapNames('name', 'twin'),
              ...(rename.notNull ? [part.renameNotNull()] : []),
              ...part.createStragglers(),
              execute(part.addColumn(part.old)),
              ...part.attributes(part.old),
              ...part.createSync(2),
              ...part.rebind('during'),
            ],
          },
        ],
      },
      part.fill(rename.to, rename.from),
      ...facts.indexes.map((index) => part.createIndex(index, index.name, index.original)),
      ...facts.uniques.flatMap((unique) => part.createUnique(unique, unique.name, unique.original)),
      ...facts.checks.map((check) => part.addConstraint(check, check.name, check.original)),
      ...(rename.notNull ? [part.setNotNull(rename.from)] : []),
      execute(`ANALYZE ${on} (${part.old})`),
    ],
    transaction: true,
    downTransaction: false,
  };
}

/** The pieces that steps are put together from, for one table and rename. */
class Parts {
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
      return object.kind === 'index'
        ? [execute(`ALTER INDEX ${quoteIdent(schema)}.${before} RENAME TO ${after}`)]
        : [execute(`ALTER TABLE ${this.on} RENAME CONSTRAINT ${before} TO ${after}`)];
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

import type { ConstraintFacts, DependentFacts, TriggerFacts, UniqueFacts } from '../../../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../../../domain/identifier.ts';
import { isTwinned, type TwinnedObject } from '../../../domain/rename.ts';
import { type Argument, type Code, call, Reference } from '../../code.ts';
import { ObjectParts, timingOf } from './objects.ts';

type TriggerForm = keyof NonNullable<TriggerFacts['rebound']>;

/** The pieces that steps are put together from, for one table and rename: what is bound elsewhere, and the last phase. */
export class Parts extends ObjectParts {
  /** Sync and rebound objects are gone: the old column goes, and what is on the new one gets its names. */
  replaceColumn(): Code {
    const [key, ...keysOfChildren] = this.#keysOwnFirst();
    return call('replaceColumn', {
      on: this.on,
      column: this.rename.from,
      by: this.rename.to,
      carried: this.#carried(),
      ...(key === undefined ? {} : { primaryKey: this.#primaryKey(key) }),
      ...(keysOfChildren.length === 0 ? {} : { keysOfChildren: keysOfChildren.map((one) => this.#primaryKey(one)) }),
      ...this.#aside(({ needsPrimaryKey, upserts }) => needsPrimaryKey || upserts),
    });
  }

  /** That of the table itself, then those of its children by plain inheritance. */
  #keysOwnFirst(): UniqueFacts[] {
    const isOwn = (key: UniqueFacts): boolean => quoteQualified(key.on) === this.on;
    const { primaryKeys } = this.facts;
    return [...primaryKeys.filter(isOwn), ...primaryKeys.filter((key) => !isOwn(key))];
  }

  #primaryKey(key: UniqueFacts): { readonly [key: string]: Argument } {
    return {
      ...(quoteQualified(key.on) === this.on ? {} : { on: quoteQualified(key.on) }),
      name: key.name,
      twin: this.#twinOf('primary key', key),
      definition: key.constraintDefinition,
      ...timingOf(key),
      ...(key.comment === null ? {} : { comment: key.comment }),
    };
  }

  setAside(): Code[] {
    const { from, to } = this.rename;
    return [call('setAside', { on: this.on, column: from, by: to, carried: this.#carried() })];
  }

  /** Everything that the old column had, once it is filled again. */
  restoreOriginals(): Code[] {
    const { indexes, uniques, primaryKeys, exclusions, checks, referencing, statistics } = this.facts;
    const original = (constraint: ConstraintFacts) =>
      this.addConstraint(constraint, constraint.name, constraint.original);
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
      ...(this.rename.carried.some(isTwinned)
        ? [call('appointOriginals', { on: this.on, carried: this.#carried() })]
        : []),
      ...this.rebindDependents('publications', 'back'),
      ...statistics.flatMap((object) => this.createStatistics(object, object.name, object.original)),
    ];
  }

  #returnPrimaryKey(key: UniqueFacts): Code {
    const keys = this.facts.referencing.map((reference) =>
      this.constraint(reference, this.#twinOf('referencing key', reference), reference.definition),
    );
    return call('returnPrimaryKey', {
      on: quoteQualified(key.on),
      name: key.name,
      twin: this.#twinOf('primary key', key),
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

  /** What hangs on the old column, and its twin: the list that the calls which give names take. */
  constants(): Readonly<Record<string, readonly Argument[]>> {
    const carried = this.rename.carried.filter(isTwinned).map(({ kind, name, twin, on }) => ({
      kind,
      name,
      twin,
      ...(on === undefined ? {} : { on }),
    }));
    return carried.length === 0 ? {} : { carried };
  }

  #carried(): Argument {
    return this.rename.carried.some(isTwinned) ? new Reference('carried') : [];
  }

  /** From phase 2 on the sync keeps the keys of the new column. */
  dropForeignKeys(): Code[] {
    return this.facts.foreignKeys.map((key) =>
      call('dropReplacedKey', {
        on: quoteQualified(key.on),
        name: key.name,
        twin: this.#twinOf('foreign key', key),
      }),
    );
  }

  returnForeignKeys(): Code[] {
    return this.facts.foreignKeys.map((key) =>
      call('returnReplacedKey', {
        ...this.constraint(key, key.name, key.original),
        twin: this.#twinOf('foreign key', key),
      }),
    );
  }

  /** The application's triggers that name the column, from one form to another where they differ. */
  rebindTriggers(before: TriggerForm, form: TriggerForm): Code[] {
    return this.facts.triggers.flatMap(({ name, on, rebound }) =>
      rebound === null || rebound[before] === rebound[form]
        ? []
        : [call('rebindTrigger', name, { on: quoteQualified(on), definition: rebound[form] })],
    );
  }

  /** Rules on the table itself, which see what statements give, before the sync does. */
  rebindRules(form: 'old' | 'both' | 'new'): Code[] {
    const { from, to } = this.rename;
    return this.facts.rules.map(({ name, on }) => {
      const place = quoteQualified(on) === this.on ? {} : { on: quoteQualified(on) };
      return call('rebindRule', name, { table: this.on, ...place, from, to, form });
    });
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

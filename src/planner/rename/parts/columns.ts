import { addColumnStatements, columnDefinition } from '../../../domain/add-column.ts';
import type { TableFacts } from '../../../domain/facts.ts';
import { quoteIdent, quoteLiteral, quoteQualified } from '../../../domain/identifier.ts';
import { differs, isOfGenerated, isTwinned, type Rename, type TwinnedObject } from '../../../domain/rename.ts';
import { type Code, call, execute } from '../../code.ts';
import { namesAt, syncPlaces } from '../sync.ts';

/** The pieces of a rename's steps that concern the two columns and the sync. */
export class ColumnParts {
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

  addColumn(): Code[] {
    const { from, to } = this.rename;
    const { column, children } = this.facts;
    const definition = columnDefinition(column);
    return [
      ...(children.length === 0 ? [] : [call('addToChildren', { on: this.on, column: to, like: from, definition })]),
      ...addColumnStatements(this.on, this.new, column).map(execute),
    ];
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

  /** Each partition, and each child, may have attributes of its own. */
  copyAttributes(from: string, to: string): Code[] {
    return this.#hasOthers() ? [call('copyAttributes', { on: this.on, from, to })] : [];
  }

  matchNotNull(from: string, to: string): Code[] {
    return this.#hasOthers() ? [call('matchNotNull', { on: this.on, from, to })] : [];
  }

  #hasOthers(): boolean {
    return this.facts.partitioned || this.facts.children.length > 0;
  }

  createSync(phase: 1 | 2): Code[] {
    return this.#syncPairs(phase).flatMap(({ functionName, triggers }) => [
      call('createFunction', functionName, { version: 1 }),
      ...triggers.map((name) => call('createTrigger', name, { version: 1, on: this.on })),
    ]);
  }

  dropSync(phase: 1 | 2): Code[] {
    return this.#syncPairs(phase).flatMap(({ functionName, triggers }) => [
      ...triggers.map((name) => call('dropTrigger', name, { on: this.on, revertToVersion: 1 })),
      call('dropFunction', functionName, { schema: this.rename.table.schema, revertToVersion: 1 }),
    ]);
  }

  /** The sync's functions, each with the triggers that run it. */
  #syncPairs(phase: 1 | 2): { readonly functionName: string; readonly triggers: readonly string[] }[] {
    const places = syncPlaces(this.rename).map((place) => namesAt(this.rename, place, phase));
    const functions = [...new Set(places.map(({ functionName }) => functionName))];
    return functions.map((functionName) => ({
      functionName,
      triggers: places.filter((place) => place.functionName === functionName).map(({ triggerName }) => triggerName),
    }));
  }

  /** Nothing writes a generated column. */
  createStragglers(): Code[] {
    return isOfGenerated(this.rename) ? [] : [call('createStragglers', this.rename.sync.stragglers)];
  }

  dropStragglers(): Code[] {
    return isOfGenerated(this.rename) ? [] : [call('dropStragglers', this.rename.sync.stragglers)];
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

  gate(phase: 2 | 3): Code {
    return call('confirmGate', this.rename.name, { phase });
  }

  /** The values of a generated column are there with it. */
  fill(from: string, to: string, quietTriggers = false): Code[] {
    if (isOfGenerated(this.rename)) return [];
    const [source, target] = [quoteIdent(from), quoteIdent(to)];
    return [
      call('backfill', {
        table: this.on,
        set: { [to]: source },
        where: differs(source, target, this.rename.byteEqual),
        ...(quietTriggers ? { quietTriggers } : { exact: true }),
      }),
    ];
  }

  setNotNull(column: string): Code[] {
    const { from, to } = this.rename;
    const { notNull, notNullValidated, notNullName } = this.facts.column;
    if (!notNull) return [];
    const usual = `${this.rename.table.name}_${this.rename.from}_not_null`;
    const named = column === this.rename.from && notNullName !== null && notNullName !== usual;
    return [
      call('setNotNull', {
        on: this.on,
        column,
        like: column === to ? from : to,
        ...(notNullValidated ? {} : { validate: false }),
        ...(named ? { name: notNullName } : {}),
      }),
    ];
  }

  renameNotNull(): Code[] {
    return this.facts.column.notNull ? [call('renameNotNull', { on: this.on, column: this.rename.to })] : [];
  }
}

function key({ kind, on, name }: TwinnedObject, table: string): string {
  return `${kind} ${on ?? table} ${name}`;
}

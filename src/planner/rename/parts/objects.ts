import type { ConstraintFacts, IndexFacts, StatisticsFacts, UniqueFacts } from '../../../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteLiteral, quoteQualified } from '../../../domain/identifier.ts';
import { type Code, call, execute } from '../../code.ts';
import { ColumnParts } from './columns.ts';

/** The pieces that build what hangs on a column: indexes, constraints, statistics. */
export class ObjectParts extends ColumnParts {
  createIndex(index: IndexFacts, name: string, definition: string, counterpart: string): Code {
    return call('createIndex', this.index(index, name, definition, counterpart));
  }

  /** An index as calls take it. */
  index(index: IndexFacts, name: string, definition: string, counterpart: string) {
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
    const options = this.index(
      { ...key, comment: key.indexComment },
      this.twin('primary key', key.name, quoteQualified(key.on)),
      key.definition,
      key.name,
    );
    return call('createIndex', { ...options, ...(this.#isPartitioned(key.on) ? { leavesOnly: true } : {}) });
  }

  dropKeyIndex(key: UniqueFacts): Code {
    const partitioned = this.#isPartitioned(key.on) ? { like: key.name, leavesOnly: true } : {};
    const on = quoteQualified(key.on);
    return call('dropIndex', { on, name: this.twin('primary key', key.name, on), ...partitioned });
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
    const { unique: _, ...options } = this.index(index, name, unique[form], counterpart);
    const constraint = form === 'definition' ? unique.constraintDefinition : unique.originalConstraint;
    const named = { constraint, ...(comment === null ? {} : { constraintComment: comment }) };
    return [call('addPartitionedUnique', { ...options, ...timing, ...named })];
  }

  addConstraint(constraint: ConstraintFacts, name: string, definition: string): Code {
    return call('addConstraint', this.constraint(constraint, name, definition));
  }

  /** A check or foreign key as calls take it. */
  constraint({ comment, validated, enforced, on }: ConstraintFacts, name: string, definition: string) {
    return {
      on: quoteQualified(on),
      name,
      definition,
      ...(enforced ? (validated ? {} : { validate: false }) : { enforced }),
      ...(comment === null ? {} : { comment }),
    };
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
}

/** DEFERRABLE and INITIALLY DEFERRED, as calls take them. */
export function timingOf({ deferrable, initiallyDeferred }: UniqueFacts): {
  deferrable?: true;
  initiallyDeferred?: true;
} {
  return { ...(deferrable ? { deferrable } : {}), ...(initiallyDeferred ? { initiallyDeferred } : {}) };
}

import type { ColumnFacts, UnsupportedObject } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent, quoteQualified } from '../domain/identifier.ts';
import type { FoundKey } from './constraints.ts';
import type { FoundDependent } from './dependents.ts';
import type { RowUserFacts } from './mentions.ts';
import { type TableShape, tableInWords } from './shape.ts';
import type { Hanging } from './table-facts.ts';

/** Everything that was read of a table and of what hangs on the column. */
interface Found extends Hanging {
  readonly keys: { readonly out: readonly FoundKey[]; readonly into: readonly FoundKey[] };
  readonly dependents: readonly FoundDependent[];
  readonly byPosition: readonly FoundDependent[];
  /** Rules on the table whose text was not understood. */
  readonly unknownRules: readonly FoundDependent[];
  readonly rowUsers: readonly RowUserFacts[];
  /** Functions that use the new name for something else. */
  readonly nameUsers: readonly string[];
  readonly shape: TableShape;
  readonly column: ColumnFacts;
}

const WINDOW = 'Rename the column in a maintenance window (ALTER TABLE ... RENAME COLUMN).';
const AWAY =
  'Drop the object in an earlier release and create it again after phase 3, or rename in a maintenance window.';

const refuse = (object: string, reason: string, instead = AWAY): UnsupportedObject => ({ object, reason, instead });

/** What PostgreSQL gives no way to carry over while the table is in use; docs/refusals.md explains each. */
export function unsupportedOf(table: QualifiedName, to: string, found: Found): UnsupportedObject[] {
  return [
    ...unsupportedShape(table, found.shape),
    ...found.rowUsers
      .filter(({ uses }) => uses.length > 0)
      .map(({ signature, uses }) =>
        refuse(
          `function ${signature}`,
          `${uses.join(', and ')}: one more column breaks or misplaces that, and the new one has another place in the end`,
          `Name the columns in it, in a release before the first phase.`,
        ),
      ),
    ...found.nameUsers.map((signature) =>
      refuse(
        `function ${signature}`,
        `it names ${quoteIdent(to)} alone in a query of the table, or rows of it have that field by it, which would be ambiguous or mean the new column`,
        'Qualify it there (by the name of the function, or of the table that it is of) in a release before the first phase, or take another name.',
      ),
    ),
    ...unsupportedIndexes(table, found),
    ...unsupportedDependents(found.dependents),
    ...found.unknownRules.map(({ description }) => refuse(description, 'its definition was not understood')),
    ...found.byPosition.map(({ description }) =>
      refuse(
        description,
        'it gives names to the columns of a join by their position: FROM (a JOIN b) AS j(x, y)',
        'Write it without the list of names in an earlier release.',
      ),
    ),
    ...notUnderstood(found),
  ];
}

function unsupportedShape(table: QualifiedName, shape: TableShape): UnsupportedObject[] {
  const { inheritedFrom, otherParents, foreignPartitions, partitionedBy, ownDefaults, typed, columnsEver } = shape;
  const { rowFunctions, rowColumns, withoutIdentity } = shape;
  return [
    ...(inheritedFrom === null
      ? []
      : [
          refuse(
            `${tableInWords(table)}, which inherits the column`,
            'PostgreSQL renames an inherited column with its parent only',
            `Rename it on ${inheritedFrom}.`,
          ),
        ]),
    ...otherParents.map((child) =>
      refuse(
        `inheritance of ${child} from another table that has the column, too`,
        'PostgreSQL renames a column that a table has from several parents only with all of them',
        `Take it out of one of them in an earlier release (ALTER TABLE ... NO INHERIT).`,
      ),
    ),
    ...foreignPartitions.map((name) =>
      refuse(
        `foreign table ${name}`,
        'its rows are on another server, where PostgreSQL can neither add the column nor build an index',
      ),
    ),
    ...rowFunctions.map((name) =>
      refuse(
        `function ${name}, which returns rows of the table`,
        'its body is parsed and lists the columns, so it fails as soon as the table has one more',
        'Make its body a text (AS $$ SELECT * ... $$) in an earlier release, or let it return TABLE (...).',
      ),
    ),
    ...rowColumns.map((name) =>
      refuse(
        `column ${name}, which holds rows of the table`,
        'PostgreSQL keeps such a row without names, so the field of the new column would be NULL in all that are stored',
        'Keep the values in columns of their own, or as jsonb, in an earlier release.',
      ),
    ),
    ...withoutIdentity.map((name) =>
      refuse(
        `published table ${name} without replica identity`,
        'PostgreSQL refuses every update of it, so the new column cannot be filled',
        'Give it a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL.',
      ),
    ),
    ...ownDefaults.map((name) =>
      refuse(
        `default of the partition ${name}`,
        'it differs from that of the table, and PostgreSQL sets a default of the table on all of its partitions',
        'Give the partition the default of its table first; it only counts for rows that are inserted into the partition itself.',
      ),
    ),
    ...partitionedBy.map((name) =>
      refuse(
        `partition key of ${name}`,
        'a table cannot be partitioned by another column without moving all of its rows',
        WINDOW,
      ),
    ),
    ...(typed
      ? [
          refuse(
            `typed ${tableInWords(table)}`,
            'its columns come from a type, which can only be changed with all of its tables',
            WINDOW,
          ),
        ]
      : []),
    ...(columnsEver >= 1_600
      ? [
          refuse(
            tableInWords(table),
            'it has had 1,600 columns, dropped ones counted; PostgreSQL adds no more',
            'Rewrite the table in a maintenance window (dump and restore forgets dropped columns).',
          ),
        ]
      : []),
  ];
}

function unsupportedIndexes(table: QualifiedName, { indexes, shape }: Found): UnsupportedObject[] {
  return indexes.flatMap(({ facts, exclusion, constraint, valid, understood }) => {
    const name = quoteIdent(facts.name);
    return [
      ...(exclusion !== null && constraint === 'p'
        ? [
            refuse(
              `primary key ${name} WITHOUT OVERLAPS`,
              'a table has one primary key, and PostgreSQL makes such a one from no index that is there already',
              WINDOW,
            ),
          ]
        : []),
      ...(constraint === 'p' && shape.partitioned && quoteQualified(facts.on) !== quoteQualified(table)
        ? [
            refuse(
              `primary key ${name} of the partition ${quoteQualified(facts.on)}`,
              'the table itself has none, and keys are moved with that of the table',
            ),
          ]
        : []),
      ...(valid
        ? []
        : [refuse(`index ${name}`, 'it is invalid', 'Drop it or rebuild it (REINDEX INDEX CONCURRENTLY) first.')]),
      ...(understood || exclusion !== null ? [] : [refuse(`index ${name}`, 'its definition was not understood')]),
    ];
  });
}

function unsupportedDependents(dependents: readonly FoundDependent[]): UnsupportedObject[] {
  return dependents.flatMap(({ kind, description, dependsOnIt, fixed }) => {
    if (fixed)
      return [
        refuse(
          description,
          'PostgreSQL does not change the expression of a virtual generated column while its table has checks',
        ),
      ];
    if (kind === 'other') return [refuse(description, 'it is bound to the column in a way that is not known')];
    return dependsOnIt.map((other) =>
      refuse(
        `${description}, on which ${other} depends`,
        'PostgreSQL can only drop a materialized view and make it anew, which would drop what depends on it',
      ),
    );
  });
}

function notUnderstood({ checks, keys, statistics, triggers }: Found): UnsupportedObject[] {
  const name = (kind: string, objects: readonly { facts: { name: string }; understood: boolean }[]) =>
    objects
      .filter(({ understood }) => !understood)
      .map(({ facts }) => refuse(`${kind} ${quoteIdent(facts.name)}`, 'its definition was not understood'));
  return [
    ...name('constraint', [...checks, ...keys.out, ...keys.into]),
    ...name('statistics object', statistics),
    ...name('trigger', triggers),
  ];
}

import type { RowUserFacts } from '../catalog/mentions.ts';
import { type TableShape, tableInWords } from '../catalog/shape.ts';
import type { UnsupportedObject } from '../domain/facts.ts';
import { type QualifiedName, quoteIdent } from '../domain/identifier.ts';
import { refusal, WINDOW } from './refusal.ts';

/** What was read of the table as a whole, and of what uses its rows. */
interface Found {
  readonly rowUsers: readonly RowUserFacts[];
  /** Functions that use the new name for something else. */
  readonly nameUsers: readonly string[];
  readonly shape: TableShape;
}

/** What about the table itself, or those who use its rows, PostgreSQL gives no way to carry over. */
export function unsupportedTable(table: QualifiedName, to: string, found: Found): UnsupportedObject[] {
  return [
    ...unsupportedShape(table, found.shape),
    ...found.rowUsers
      .filter(({ uses }) => uses.length > 0)
      .map(({ signature, uses }) =>
        refusal(
          `function ${signature}`,
          `${uses.join(', and ')}: one more column breaks or misplaces that, and the new one has another place in the end`,
          `Name the columns in it, in a release before the first phase.`,
        ),
      ),
    ...found.nameUsers.map((signature) =>
      refusal(
        `function ${signature}`,
        `it names ${quoteIdent(to)} alone in a query of the table, or rows of it have that field by it, which would be ambiguous or mean the new column`,
        'Qualify it there (by the name of the function, or of the table that it is of) in a release before the first phase, or take another name.',
      ),
    ),
  ];
}

function unsupportedShape(table: QualifiedName, shape: TableShape): UnsupportedObject[] {
  const { inheritedFrom, otherParents, foreignPartitions, partitionedBy, ownDefaults, typed, columnsEver } = shape;
  const { rowFunctions, rowColumns, withoutIdentity } = shape;
  return [
    ...(inheritedFrom === null
      ? []
      : [
          refusal(
            `${tableInWords(table)}, which inherits the column`,
            'PostgreSQL renames an inherited column with its parent only',
            `Rename it on ${inheritedFrom}.`,
          ),
        ]),
    ...otherParents.map((child) =>
      refusal(
        `inheritance of ${child} from another table that has the column, too`,
        'PostgreSQL renames a column that a table has from several parents only with all of them',
        `Take it out of one of them in an earlier release (ALTER TABLE ... NO INHERIT).`,
      ),
    ),
    ...foreignPartitions.map((name) =>
      refusal(
        `foreign table ${name}`,
        'its rows are on another server, where PostgreSQL can neither add the column nor build an index',
      ),
    ),
    ...rowFunctions.map((name) =>
      refusal(
        `function ${name}, which returns rows of the table`,
        'its body is parsed and lists the columns, so it fails as soon as the table has one more',
        'Make its body a text (AS $$ SELECT * ... $$) in an earlier release, or let it return TABLE (...).',
      ),
    ),
    ...rowColumns.map((name) =>
      refusal(
        `column ${name}, which holds rows of the table`,
        'PostgreSQL keeps such a row without names, so the field of the new column would be NULL in all that are stored',
        'Keep the values in columns of their own, or as jsonb, in an earlier release.',
      ),
    ),
    ...withoutIdentity.map((name) =>
      refusal(
        `published table ${name} without replica identity`,
        'PostgreSQL refuses every update of it, so the new column cannot be filled',
        'Give it a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL.',
      ),
    ),
    ...ownDefaults.map((name) =>
      refusal(
        `default of the partition ${name}`,
        'it differs from that of the table, and PostgreSQL sets a default of the table on all of its partitions',
        'Give the partition the default of its table first; it only counts for rows that are inserted into the partition itself.',
      ),
    ),
    ...partitionedBy.map((name) =>
      refusal(
        `partition key of ${name}`,
        'a table cannot be partitioned by another column without moving all of its rows',
        WINDOW,
      ),
    ),
    ...(typed
      ? [
          refusal(
            `typed ${tableInWords(table)}`,
            'its columns come from a type, which can only be changed with all of its tables',
            WINDOW,
          ),
        ]
      : []),
    ...(columnsEver >= 1_600
      ? [
          refusal(
            tableInWords(table),
            'it has had 1,600 columns, dropped ones counted; PostgreSQL adds no more',
            'Rewrite the table in a maintenance window (dump and restore forgets dropped columns).',
          ),
        ]
      : []),
  ];
}

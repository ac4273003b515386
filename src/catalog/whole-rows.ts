import { PhaseError } from '../domain/errors/phase-error.ts';
import type { UnsupportedObject } from '../domain/facts.ts';
import { type QualifiedName, quoteQualified } from '../domain/identifier.ts';
import { all, type Queryable } from '../postgres/queryable.ts';
import { TREE } from './tree.ts';

/** A reference to a row as a whole, in PostgreSQL's own form of an expression. */
const WHOLE_ROW = `':varattno 0 '`;

/** A row that is made from values, or written as a constant, of the type `c.reltype`, in the same form. */
const MADE_ROW = `(':row_typeid ' || c.reltype || ' |:consttype ' || c.reltype || ' :consttypmod \\S+ :constcollid \\S+ :constlen \\S+ :constbyval \\S+ :constisnull false')`;

/** What `ensureNoWholeRows` looks for, with the words for it. */
export async function readWholeRows(db: Queryable, table: { readonly oid: number }): Promise<UnsupportedObject[]> {
  const computed = await all<{ object: string }>(
    db,
    `${TREE}
     SELECT 'constraint ' || quote_ident(conname) AS object FROM pg_constraint WHERE conrelid IN (SELECT oid FROM tree) AND conbin::text ~ ${WHOLE_ROW}
     UNION SELECT 'index ' || indexrelid::regclass::text FROM pg_index
       WHERE indrelid IN (SELECT oid FROM tree) AND (indexprs::text ~ ${WHOLE_ROW} OR indpred::text ~ ${WHOLE_ROW})
     UNION SELECT 'statistics ' || quote_ident(stxname) FROM pg_statistic_ext s
       WHERE stxrelid IN (SELECT oid FROM tree) AND to_jsonb(s) ->> 'stxexprs' ~ ${WHOLE_ROW}
     ORDER BY 1`,
    [table.oid],
  );
  const made = await all<{ object: string }>(
    db,
    `${TREE}
     SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0) AS object
     FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype
     WHERE concat(
       (SELECT concat(ev_action::text, ev_qual::text) FROM pg_rewrite WHERE d.classid = 'pg_rewrite'::regclass AND oid = d.objid),
       (SELECT concat(prosqlbody::text, proargdefaults::text) FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid),
       (SELECT adbin::text FROM pg_attrdef WHERE d.classid = 'pg_attrdef'::regclass AND oid = d.objid),
       (SELECT conbin::text FROM pg_constraint WHERE d.classid = 'pg_constraint'::regclass AND oid = d.objid),
       (SELECT concat(polqual::text, polwithcheck::text) FROM pg_policy WHERE d.classid = 'pg_policy'::regclass AND oid = d.objid),
       (SELECT tgqual::text FROM pg_trigger WHERE d.classid = 'pg_trigger'::regclass AND oid = d.objid)) ~ ${MADE_ROW}
     ORDER BY 1`,
    [table.oid],
  );
  return [
    ...computed.map(({ object }) => ({
      object,
      reason: 'it is computed from whole rows of the table, which have one more column from phase 1 on',
      instead:
        'Name the columns in it, in a release before the first phase, or, where the rename is under way, before the next one.',
    })),
    ...made.map(({ object }) => ({
      object,
      reason:
        'it makes rows of the table from values by the order of the columns, and the new one has another place than the old one',
      instead:
        'Select the columns by their names instead, in a release before the first phase, or, where the rename is under way, before the next one.',
    })),
  ];
}

/**
 * Constraints, indexes and statistics over rows as a whole: one more column changes what they were computed from, and PostgreSQL copies none of
 * them to a table with other columns. And what makes such rows from values: those stay where the columns were.
 * @throws PH2001
 */
export async function ensureNoWholeRows(
  db: Queryable,
  table: QualifiedName & { readonly oid: number },
  column: string,
): Promise<void> {
  const objects = await readWholeRows(db, table);
  if (objects.length > 0) throw new PhaseError('PH2001', { table: quoteQualified(table), column, objects });
}

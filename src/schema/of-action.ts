import { type Action, encodeId, type StableId } from '@supabase/pg-delta';
import { USUAL_OWNER, withVirtualColumns } from './canonical.ts';
import { inWords } from './identity.ts';
import type { Statement } from './statement.ts';

/** A statement as pg-delta plans it, in the words that we have for it. */
export function statementOf(action: Action): Statement {
  const subject = subjectOf(action);
  const isGrant = /^(?:GRANT|REVOKE) /.test(action.sql) && subject !== null && subject.kind !== 'acl';
  return {
    sql: textOf(action.sql),
    // Grants to several are about what they are on.
    object: subject === null ? 'the database' : `${isGrant ? 'privileges on ' : ''}${inWords(subject)}`,
    verb: action.verb,
    // What a materialized view holds is made anew.
    losesData: action.dataLoss === 'destructive' && subject?.kind !== 'materializedView',
    isAlone: action.transactionality === 'nonTransactional',
    destroys: action.destroys.map((id) => encodeId(id)),
    subject,
  };
}

const ALL =
  /^((?:ALTER DEFAULT PRIVILEGES .*?)?(?:GRANT|REVOKE)) DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON /;

/** Whoever has all privileges has all of them on every server, whoever migrates need not be named, and an extension may be there by whoever may install it. */
function textOf(sql: string): string {
  return withVirtualColumns(
    sql.replace(ALL, '$1 ALL ON ').replace(/^CREATE EXTENSION (?=")/, 'CREATE EXTENSION IF NOT EXISTS '),
  ).replace(` FOR ROLE "${USUAL_OWNER}"`, '');
}

function subjectOf({ verb, produces, consumes, destroys }: Action): StableId | null {
  return (verb === 'drop' ? destroys[0] : (produces[0] ?? consumes[0])) ?? null;
}

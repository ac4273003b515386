import { all, type Queryable } from '../../postgres/queryable.ts';
import type { BoundObjectName, Rebinding } from '../bound.ts';
import { dependentKind } from './dependent.ts';

/** A function whose body is parsed, and so bound to the column by its number. */
export const parsedFunction = dependentKind('function', {
  heading: 'bound to it',
  place: 'database',
  rebinding: readFunction,
  followsAnew: true,
});

/** The head of a function is what PostgreSQL prints before the body that it prints by itself. */
async function readFunction(db: Queryable, { name }: BoundObjectName): Promise<Rebinding | null> {
  const [row] = await all<{ definition: string; body: string }>(
    db,
    'SELECT pg_get_functiondef(p.oid) AS definition, pg_get_function_sqlbody(p.oid) AS body FROM pg_proc p WHERE p.oid = to_regprocedure($1)',
    [name],
  );
  if (!row?.body) return null;
  const { definition, body } = row;
  const head = definition.slice(0, definition.lastIndexOf(body));
  return {
    before: [],
    make: [definition],
    stub: ['SET LOCAL check_function_bodies = off', `${head} AS ''`, 'RESET check_function_bodies'],
    rewrites: false,
  };
}

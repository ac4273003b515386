import type { TestDatabase } from './database.ts';

/** Types whose values PostgreSQL's own functions take by way of another type: a function for the type itself is preferred to them. */
const NEARER: Readonly<Record<string, readonly string[]>> = {
  text: ['name', 'varchar'],
  oid: ['regclass', 'regproc'],
  int8: ['int4', 'int2'],
  int4: ['int2'],
  anyarray: ['text[]', 'name[]', 'oid[]', 'int2[]', 'int4[]'],
  anyelement: ['text', 'name', 'oid', 'int4', 'jsonb'],
  any: ['text', 'name', 'int4'],
  anycompatiblearray: ['text[]', 'oid[]'],
};

/** Operators for types that PostgreSQL compares by way of another one, and that type. */
const OPERATORS = [
  ['name', '||', 'text', 'text'],
  ['text', '||', 'name', 'text'],
  ['name', '||', 'name', 'text'],
  ['oid[]', '||', 'oid[]', 'oid[]'],
  ['name', '~', 'text', 'text'],
  ['name', '!~~', 'name', 'text'],
  ['oid', '=', 'regclass', 'oid'],
  ['regclass', '=', 'oid', 'oid'],
  ['varchar', '=', 'varchar', 'text'],
  ['varchar', '<>', 'varchar', 'text'],
  ['varchar', '<=', 'varchar', 'text'],
  ['varchar', '>', 'varchar', 'text'],
] as const;

/** Functions of which nothing is left that could be called, or that only the server calls. */
const LEFT_OUT = ['set_config', 'current_setting'];

/**
 * Makes, in `public`, functions and operators that are nearer to many calls than PostgreSQL's own of the same name, as whoever may create there
 * can. Each gives what its namesake does, and a warning `SHADOW name` to whoever calls it.
 */
export async function shadowCatalogue(database: TestDatabase): Promise<number> {
  const functions = await database.sql<{ name: string; args: string[]; result: string; returnsSet: boolean }>(
    `
    SELECT p.proname AS name, p.proretset AS "returnsSet", p.prorettype::regtype::text AS result,
      (SELECT array_agg(t.typname::text ORDER BY a.place) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, place) JOIN pg_type t ON t.oid = a.type) AS args
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'pg_catalog' AND p.prokind = 'f' AND p.pronargs BETWEEN 1 AND 5 AND p.proargnames IS NULL AND p.provariadic = 0
      AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype) AND p.proname <> ALL ($1)
      AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[]`,
    [LEFT_OUT],
  );
  let made = 0;
  for (const { name, args, result, returnsSet } of functions) {
    for (const [from, nearer] of Object.entries(NEARER)) {
      if (!args.includes(from)) continue;
      for (const type of nearer) {
        const types = args.map((arg) => (arg === from ? type : arg));
        const rest = types.filter((arg) => arg.startsWith('any'));
        const isPolymorphic = /^any/.test(result);
        if (rest.length > 0 || (isPolymorphic && from !== 'anyarray')) continue;
        const given = isPolymorphic ? (result === 'anyelement' ? type.replace('[]', '') : type) : result;
        const call = `pg_catalog."${name}"(${args.map((arg, at) => `$${at + 1}${arg.startsWith('any') ? '' : `::${quoted(arg)}`}`).join(', ')})`;
        const body = returnsSet
          ? `RETURN QUERY SELECT * FROM ${call}`
          : given === 'void'
            ? `PERFORM ${call}`
            : `RETURN ${call}`;
        made += await make(
          database,
          `CREATE FUNCTION public."${name}"(${types.map(quoted).join(', ')}) RETURNS ${returnsSet ? 'SETOF ' : ''}${given} LANGUAGE plpgsql AS
          $shadow$ BEGIN RAISE WARNING 'SHADOW ${name}(${types.join(', ')})'; ${body}; END $shadow$`,
        );
      }
    }
  }
  for (const [left, operator, right, by] of OPERATORS) {
    const result = operator === '||' ? (left.endsWith('[]') ? left : 'text') : 'boolean';
    made += await make(
      database,
      `CREATE FUNCTION public.shadow_${made}(${left}, ${right}) RETURNS ${result} LANGUAGE plpgsql AS
        $shadow$ BEGIN RAISE WARNING 'SHADOW ${left} ${operator} ${right}'; RETURN $1::${by} OPERATOR(pg_catalog.${operator}) $2::${by}; END $shadow$;
      CREATE OPERATOR public.${operator} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.shadow_${made})`,
    );
  }
  return made;
}

const quoted = (type: string): string =>
  type.endsWith('[]')
    ? type
    : type === 'char'
      ? '"char"'
      : /^(int|text|name|oid|bool|jsonb|varchar|reg)/.test(type)
        ? type
        : `pg_catalog."${type}"`;

/** 1 when it could be made; a namesake with the same types is none. */
async function make(database: TestDatabase, sql: string): Promise<number> {
  return database.sql(sql).then(
    () => 1,
    () => 0,
  );
}

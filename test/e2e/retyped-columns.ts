/** A column that gets another type. */
export interface RetypedColumn {
  readonly from: string;
  readonly to: string;
  /** Literals of the old type, hostile ones among them; NULL comes by itself. */
  readonly values: readonly string[];
  readonly using?: string;
  readonly back?: string;
  /** What stands besides on the column, which is called `c`. */
  readonly with?: string;
  readonly default?: string;
  readonly isNotNull?: boolean;
  /** Types without an order have no index. */
  readonly index?: string | null;
}

/** Types of the application that some of them need. */
export const OWN_TYPES = `CREATE TYPE mood AS ENUM ('ok', 'bad', 'it''s "odd"');
CREATE TYPE temper AS ENUM ('bad', 'ok', 'it''s "odd"');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN amount AS bigint CHECK (VALUE > 0);`;

const utc = "c AT TIME ZONE 'UTC'";
const zurich = "c AT TIME ZONE 'Europe/Zurich'";
const day = (part: string, width: number): string => `lpad(date_part('${part}', c)::integer::text, ${width}, '0')`;

export const RETYPED: readonly RetypedColumn[] = [
  { from: 'smallint', to: 'integer', values: ['-32768', '0', '32767'], default: '7' },
  {
    from: 'integer',
    to: 'bigint',
    values: ['-2147483648', '0', '2147483647'],
    with: 'CHECK (c <> 13)',
    isNotNull: true,
  },
  { from: 'integer', to: 'numeric', values: ['-2147483648', '1'], with: 'CHECK (c > -2147483649)' },
  { from: 'bigint', to: 'numeric(30,0)', values: ['9223372036854775807', '-9223372036854775808'], default: '5' },
  { from: 'integer', to: 'smallint', values: ['32767', '-32768'], default: '1', isNotNull: true },
  { from: 'bigint', to: 'integer', values: ['2147483647', '-1'] },
  { from: 'integer', to: 'text', values: ['-5', '0'], default: '12', back: 'c::integer' },
  { from: 'text', to: 'integer', values: ["'1'", "' 7 '", "'-0'"], using: 'c::integer', default: "'5'" },
  { from: 'text', to: 'character varying(10)', values: ["''", "'ten chars.'", "'Ünï😀'"], default: "'x'" },
  { from: 'character varying(20)', to: 'character varying(5)', values: ["'12345'", "''", "E'\\\\\\''"] },
  { from: 'text', to: 'character(6)', values: ["'abc'", "'abcdef'", "''"] },
  { from: 'character(10)', to: 'text', values: ["'abc'", "''", "'0123456789'"] },
  { from: 'text COLLATE "C"', to: 'character varying(30)', values: ["'a'", "'B'"] },
  { from: 'numeric', to: 'numeric(10,2)', values: ['1.005', '-2.345', '0.1', '99999999.99'], default: '0.5' },
  { from: 'numeric(10,2)', to: 'numeric(12,4)', values: ['1.10', '-0.01'] },
  { from: 'real', to: 'double precision', values: ['0.1', "'Infinity'", "'NaN'", '-0.0'] },
  { from: 'double precision', to: 'numeric', values: ['0.1', '1e15', '-2.5'], with: 'CHECK (c < 1e300)' },
  { from: 'numeric', to: 'double precision', values: ['0.1', '12345678901234567890'] },
  { from: 'text', to: 'boolean', values: ["'true'", "'no'", "'ON'"], using: 'c::boolean', back: 'c::text' },
  { from: 'boolean', to: 'integer', values: ['true', 'false'], using: 'c::integer', back: 'c::boolean' },
  { from: 'integer', to: 'boolean', values: ['0', '1', '-3'], using: 'c::boolean', back: 'c::integer' },
  { from: 'date', to: 'timestamp without time zone', values: ["'2000-02-29'", "'infinity'", "'0044-03-15 BC'"] },
  {
    from: 'timestamp without time zone',
    to: 'timestamp with time zone',
    values: ["'2026-03-29 02:30'", "'-infinity'"],
    using: utc,
    back: utc,
    default: "'2000-01-01'",
  },
  {
    from: 'timestamp with time zone',
    to: 'timestamp without time zone',
    values: ["'2026-10-25 02:30+02'", "'2026-10-25 02:30+01'"],
    using: zurich,
    back: zurich,
  },
  { from: 'timestamp without time zone', to: 'date', values: ["'2026-01-01 23:59:59.999999'"], using: 'c::date' },
  {
    from: 'timestamp(6) with time zone',
    to: 'timestamp(0) with time zone',
    values: ["'2026-01-01 00:00:00.5+00'", "'2026-01-01 00:00:00.499999+00'"],
  },
  {
    from: 'text',
    to: 'date',
    values: ["'2024-02-29'", "'0001-01-01'"],
    using: "make_date(split_part(c, '-', 1)::integer, split_part(c, '-', 2)::integer, split_part(c, '-', 3)::integer)",
    back: `${day('year', 4)} || '-' || ${day('month', 2)} || '-' || ${day('day', 2)}`,
  },
  { from: 'text', to: 'public.mood', values: ["'ok'", `'it''s "odd"'`], using: 'c::public.mood', default: "'bad'" },
  { from: 'public.mood', to: 'text', values: ["'ok'", "'bad'"], default: "'ok'" },
  { from: 'public.mood', to: 'public.temper', values: ["'bad'", "'ok'"], using: 'c::text::public.temper' },
  { from: 'json', to: 'jsonb', values: [`'{"b": 1, "a": 1, "a": 2}'`, "'null'", "'[]'"], index: null },
  { from: 'jsonb', to: 'json', values: [`'{"a": [1, null]}'`], index: null },
  { from: 'text', to: 'jsonb', values: [`'{"a": 1.10}'`, "'1'"], using: 'c::jsonb', back: 'c::text' },
  { from: 'uuid', to: 'text', values: ["'00000000-0000-0000-0000-000000000001'"], back: 'c::uuid' },
  { from: 'text', to: 'uuid', values: ["'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'"], using: 'c::uuid' },
  { from: 'bytea', to: 'text', values: ["'\\x00ff'", "'\\x'"], using: "encode(c, 'hex')", back: "decode(c, 'hex')" },
  { from: 'inet', to: 'cidr', values: ["'10.0.0.0/8'", "'::1/128'"], using: 'c::cidr' },
  { from: 'cidr', to: 'inet', values: ["'10.0.0.0/8'"] },
  { from: 'integer[]', to: 'bigint[]', values: ["'{}'", "'{1,NULL,-3}'", "'{{1,2},{3,4}}'"] },
  {
    from: 'interval',
    to: 'bigint',
    values: ["'1 day 2 hours'", "'-3 seconds'"],
    using: 'extract(epoch FROM c)::bigint',
    back: 'make_interval(secs => c)',
  },
  {
    from: 'int4range',
    to: 'int8range',
    values: ["'[1,5)'", "'empty'", "'(,)'"],
    using: 'int8range(lower(c)::bigint, upper(c)::bigint)',
    back: 'int4range(lower(c)::integer, upper(c)::integer)',
  },
  { from: 'oid', to: 'bigint', values: ['4294967295', '0'] },
  { from: 'public.positive', to: 'bigint', values: ['1', '2147483647'] },
  { from: 'integer', to: 'public.amount', values: ['1', '2147483647'] },
  { from: 'point', to: 'text', values: ["'(1.5,-2)'"], using: 'c::text', back: 'c::point', index: null },
  { from: 'name', to: 'text', values: ["'a'", "'Ünï'"] },
  { from: 'bit(8)', to: 'bit varying', values: ["B'10101010'"] },
];

import { encodeId, type FactBase, type StableId } from '@supabase/pg-delta';
import { deriveName, quoteIdent, quoteLiteral, quoteQualified } from '../domain/identifier.ts';
import { CREATE_INDEX, isPartitioned, isView, type SafeStep } from './safe-step.ts';
import type { Statement } from './statement.ts';

type Constraint = Extract<StableId, { schema: string; table: string; name: string }>;

/**
 * An index or a constraint that keeps its name and gets another definition: the new one is built beside the old one under a name of its own, and takes its place
 * once it is whole, so that the table is never without, and nobody waits while rows are read.
 * @param group what drops it and makes it anew, with what is said of it; null for anything else, and where it cannot be had in this way.
 */
export function replacedSteps(group: readonly Statement[], from: FactBase): SafeStep[] | null {
  const [drop, create, ...said] = group;
  const { subject } = drop ?? {};
  if (drop === undefined || create === undefined || subject === null || subject === undefined) return null;
  const isAboutIt = ({ subject: other }: Statement): boolean =>
    other !== null && 'target' in other && encodeId(other.target) === encodeId(subject);
  if (drop.verb !== 'drop' || create.verb !== 'create' || drop.object !== create.object) return null;
  if (!said.every(isAboutIt)) return null;
  const texts = said.map(({ sql }) => sql);
  if (subject.kind === 'index') return replacedIndex(create.sql, subject, texts, from);
  if (subject.kind === 'constraint') return replacedConstraint(create.sql, subject, texts, from);
  return null;
}

function replacedIndex(
  sql: string,
  { schema, name }: { schema: string; name: string },
  said: readonly string[],
  from: FactBase,
): SafeStep[] | null {
  const was = String(from.get({ kind: 'index', schema, name })?.payload.def ?? '');
  const [, wasUnique = '', table = '', old = ''] = CREATE_INDEX.exec(was) ?? [];
  const [, unique = '', on = '', definition = ''] = CREATE_INDEX.exec(sql) ?? [];
  if (on === '' || on !== table || isPartitioned(on, from) || isView(on, from)) return null;
  const comment = from.get({ kind: 'comment', target: { kind: 'index', schema, name } });
  const [fresh, aside] = [deriveName(name, '_new'), deriveName(name, '_old')];
  // The way back builds an index anew, which has none.
  const commented =
    comment === undefined
      ? []
      : [`COMMENT ON INDEX ${quoteQualified({ schema, name })} IS ${quoteLiteral(String(comment.payload.text))}`];
  const renamed = (one: string, to: string): string =>
    `ALTER INDEX ${quoteQualified({ schema, name: one })} RENAME TO ${quoteIdent(to)}`;
  return [
    {
      about: `build_${name}`,
      up: [`CREATE ${unique}INDEX CONCURRENTLY ${quoteIdent(fresh)} ON ${on} ${definition}`],
      down: [`DROP INDEX CONCURRENTLY IF EXISTS ${quoteQualified({ schema, name: fresh })}`],
      isAlone: true,
    },
    {
      about: `replace_${name}`,
      up: [renamed(name, aside), renamed(fresh, name), ...said],
      down: [renamed(name, fresh), renamed(aside, name), ...commented],
      isAlone: false,
    },
    {
      about: `drop_${aside}`,
      up: [`DROP INDEX CONCURRENTLY ${quoteQualified({ schema, name: aside })}`],
      down: [`CREATE ${wasUnique}INDEX CONCURRENTLY ${quoteIdent(aside)} ON ${table} ${old}`],
      isAlone: true,
    },
  ];
}

function replacedConstraint(
  sql: string,
  { schema, table, name }: Constraint,
  said: readonly string[],
  from: FactBase,
): SafeStep[] | null {
  const on = quoteQualified({ schema, name: table });
  const [, definition = ''] = / ADD CONSTRAINT "(?:[^"]|"")*" (.*)$/s.exec(sql) ?? [];
  const [, key = '', columns = '', rest = ''] =
    /^(UNIQUE|PRIMARY KEY) (\([^)]*\))( DEFERRABLE.*)?$/s.exec(definition) ?? [];
  const isPartition = isPartitioned(on, from);
  const fresh = deriveName(name, '_new');
  const dropped = `ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(name)}`;
  if (key !== '' && !isPartition)
    return [
      {
        about: `build_${name}`,
        up: [`CREATE UNIQUE INDEX CONCURRENTLY ${quoteIdent(fresh)} ON ${on} ${columns}`],
        down: [`DROP INDEX CONCURRENTLY IF EXISTS ${quoteQualified({ schema, name: fresh })}`],
        isAlone: true,
      },
      {
        about: `replace_${name}`,
        up: [
          dropped,
          `ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(name)} ${key} USING INDEX ${quoteIdent(fresh)}${rest}`,
          ...said,
        ],
        down: null,
        isAlone: false,
      },
    ];
  const canWait = definition.startsWith('CHECK (') || (definition.startsWith('FOREIGN KEY (') && !isPartition);
  if (!canWait || definition.endsWith(' NOT VALID')) return null;
  return [
    {
      about: `add_${fresh}`,
      up: [`ALTER TABLE ${on} ADD CONSTRAINT ${quoteIdent(fresh)} ${definition} NOT VALID`],
      down: [`ALTER TABLE ${on} DROP CONSTRAINT ${quoteIdent(fresh)}`],
      isAlone: false,
    },
    {
      about: `validate_${fresh}`,
      up: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${quoteIdent(fresh)}`],
      down: [],
      isAlone: false,
    },
    {
      about: `replace_${name}`,
      up: [dropped, `ALTER TABLE ${on} RENAME CONSTRAINT ${quoteIdent(fresh)} TO ${quoteIdent(name)}`, ...said],
      down: null,
      isAlone: false,
    },
  ];
}

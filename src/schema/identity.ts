import type { StableId } from '@supabase/pg-delta';

const KINDS: Readonly<Record<string, string>> = {
  materializedView: 'materialized view',
  foreignTable: 'foreign table',
  eventTrigger: 'event trigger',
  fdw: 'foreign data wrapper',
  defaultPrivilege: 'default privileges',
  typeAttribute: 'attribute',
  publicationRel: 'publication',
  publicationSchema: 'publication',
  acl: 'privileges',
};

/** An identity as people say it: `column public.users.email`. */
export function inWords(id: StableId): string {
  const kind = KINDS[id.kind] ?? id.kind;
  switch (id.kind) {
    case 'acl':
      return `${kind} of ${id.grantee} on ${inWords(id.target)}`;
    case 'comment':
    case 'securityLabel':
      return `${kind} on ${inWords(id.target)}`;
    case 'publicationRel':
      return `${kind} ${id.publication} of table ${id.schema}.${id.table}`;
    case 'publicationSchema':
      return `${kind} ${id.publication} of schema ${id.schema}`;
    case 'typeAttribute':
      return `${kind} ${id.schema}.${id.type}.${id.name}`;
    case 'membership':
      return `${kind} of ${id.member} in ${id.role}`;
    case 'userMapping':
      return `user mapping of ${id.role} for ${id.server}`;
    case 'defaultPrivilege':
      return `${kind} of ${id.role} for ${id.grantee}${id.schema === null ? '' : ` in ${id.schema}`}`;
    case 'extensionIntent':
      return `${id.ext} ${id.intentKind} ${id.key}`;
    case 'function':
    case 'procedure':
    case 'aggregate':
      return `${kind} ${id.schema}.${id.name}(${id.args.join(', ')})`;
    case 'column':
    case 'constraint':
    case 'trigger':
    case 'rule':
    case 'policy':
    case 'default':
      return `${kind} ${id.schema}.${id.table}.${id.name}`;
    default:
      return 'schema' in id ? `${kind} ${id.schema}.${id.name}` : `${kind} ${id.name}`;
  }
}

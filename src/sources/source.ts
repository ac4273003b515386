import { PhaseError } from '../domain/errors/phase-error.ts';

/** Anything that has a schema. */
export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly file: string }
  /** The database that the command is for. */
  | { readonly kind: 'database' }
  /** What they give when they run in an empty database. */
  | { readonly kind: 'migrations' }
  /** db/structure.sql as it is at a commit. */
  | { readonly kind: 'git'; readonly ref: string }
  /** Its function `create` makes the schema. */
  | { readonly kind: 'module'; readonly file: string };

const FORMS = 'a URL, a .sql file, database, migrations, git:REF, module:FILE';

/**
 * @param what names the flag, such as `--from`.
 * @throws PH1015
 */
export function parseSource(text: string, what: string): Source {
  const [, scheme, rest = ''] = /^(git|module):(.+)$/s.exec(text) ?? [];
  if (scheme === 'git') return { kind: 'git', ref: rest };
  if (scheme === 'module') return { kind: 'module', file: rest };
  if (text === 'database' || text === 'migrations') return { kind: text };
  if (/^postgres(?:ql)?:\/\//i.test(text)) return { kind: 'url', url: text };
  if (/\.sql$/i.test(text)) return { kind: 'file', file: text };
  throw new PhaseError('PH1015', { what, value: text.replace(/:[^:@/]*@/, ':***@'), allowed: FORMS });
}

/** As it was given, without a password. */
export function sourceInWords(source: Source): string {
  switch (source.kind) {
    case 'url':
      return source.url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@').replace(/([?&]password=)[^&]*/i, '$1***');
    case 'file':
      return source.file;
    case 'git':
      return `git:${source.ref}`;
    case 'module':
      return `module:${source.file}`;
    default:
      return source.kind;
  }
}

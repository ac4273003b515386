import type { Judgement, Rule } from '../rule.ts';

const IMPORT = /(?:from|import|require\()\s*\(?['"](\.{1,2}\/[^'"]+)['"]/;
/** Folders of what migrations share, and that does not change with the application. */
const SHARED: ReadonlySet<string> = new Set([
  'db',
  'lib',
  'helpers',
  'helper',
  'shared',
  'migrations',
  'migrate',
  'data',
  'functions',
  'triggers',
]);

/** Beside it, or in one of those. */
function isOwn(path: string): boolean {
  const [folder = ''] = path.replace(/^(?:\.{1,2}\/)+/, '').split('/');
  return path.startsWith('./') || SHARED.has(folder);
}

export const importsModels: Rule = {
  code: 'imports_models',
  title: 'A data migration imports code of the application',
  why: 'A migration runs for years, in fresh databases and at customers who jump over releases; a model changes with each release, and then no longer fits the schema at this place in the order.',
  safely:
    'Write what it needs in the migration itself, with SQL or the knex that it gets; what several share lies beside the migrations, and is not changed.',
  examples: {
    found: "import { User } from '../../src/models/user.ts';",
    silent: "import { inBatches } from './helpers/batches.ts';",
  },
  judge({ kind, text, file }) {
    if (file.endsWith('.sql')) return [];
    return text.split(/\r?\n/).flatMap((line, at): Judgement[] => {
      const [, path] = IMPORT.exec(line) ?? [];
      if (path === undefined || isOwn(path)) return [];
      const message = `This ${kind} migration imports ${path}, which changes with the application.`;
      return [
        {
          line: at + 1,
          severity: 'warning',
          message,
          remedy: 'Write what it needs in the migration itself, by SQL or knex.',
        },
      ];
    });
  },
};

import type { Judgement, Rule } from '../rule.ts';

const IMPORT = /(?:from|import|require\()\s*\(?['"](\.{1,2}\/[^'"]+)['"]/;
/** What belongs to migrations, and changes with them alone. */
const OWN = /^\.{1,2}\/(?:[^.]*\/)?(?:helpers?|lib|shared|migrations?|data|functions|triggers)\b|^\.\//;

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
      if (path === undefined || OWN.test(path)) return [];
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

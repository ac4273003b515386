import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { printCode, printString } from './code.ts';

type Handlebars = typeof import('handlebars');

const require = createRequire(import.meta.url);
let handlebars: Handlebars | undefined;

/** The one instance, loaded when the first template is: a field that is missing is an error, and only pages are escaped for HTML. */
function instance(): Handlebars {
  if (handlebars !== undefined) return handlebars;
  const made = (require('handlebars') as Handlebars).create();
  made.registerHelper('eq', (a: unknown, b: unknown) => a === b);
  made.registerHelper('code', printCode);
  made.registerHelper('text', printString);
  /** For pages: a name that may be broken at its underscores. */
  made.registerHelper(
    'breakable',
    (name: string) => new made.SafeString(made.escapeExpression(name).replaceAll('_', '_<wbr>')),
  );
  made.registerPartial('sync_column', source('rename/column.sql'));
  made.registerPartial('sync_last_column', source('rename/last_column.sql'));
  made.registerPartial('guard', source('rename/guard.sql'));
  made.registerPartial('own_table', source('rename/own_table.sql'));
  made.registerPartial('rights', source('rename/rights.sql'));
  made.registerPartial('mapping_forward', source('mapping/forward.sql'));
  made.registerPartial('mapping_back', source('mapping/back.sql'));
  made.registerPartial('step', source('plan/step.html'));
  handlebars = made;
  return made;
}

const compiled = new Map<string, HandlebarsTemplateDelegate>();

/** Fills a template of the folder `templates`, such as `rename/trigger.sql`. */
export function render(name: string, view: object): string {
  let template = compiled.get(name);
  if (!template) {
    template = instance().compile(source(name), { strict: true, noEscape: !name.endsWith('.html') });
    compiled.set(name, template);
  }
  return template(view);
}

function source(name: string): string {
  return readFileSync(new URL(`../../templates/${name}.hbs`, import.meta.url), 'utf8');
}

/** A file of the folder `templates` as it stands. */
export function plain(name: string): string {
  return readFileSync(new URL(`../../templates/${name}.plain`, import.meta.url), 'utf8');
}

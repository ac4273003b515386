import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import { printCode } from './code.ts';

/** The one instance: a field that is missing is an error, and only pages are escaped for HTML. */
const handlebars = Handlebars.create();
handlebars.registerHelper('eq', (a: unknown, b: unknown) => a === b);
handlebars.registerHelper('code', printCode);
/** For pages: a name that may be broken at its underscores. */
handlebars.registerHelper(
  'breakable',
  (name: string) => new Handlebars.SafeString(Handlebars.escapeExpression(name).replaceAll('_', '_<wbr>')),
);
handlebars.registerPartial('guard', source('rename/guard.sql'));
handlebars.registerPartial('own_table', source('rename/own_table.sql'));
handlebars.registerPartial('rights', source('rename/rights.sql'));
handlebars.registerPartial('step', source('plan/step.html'));

const compiled = new Map<string, Handlebars.TemplateDelegate>();

/** Fills a template of the folder `templates`, such as `rename/trigger.sql`. */
export function render(name: string, view: object): string {
  let template = compiled.get(name);
  if (!template) {
    template = handlebars.compile(source(name), { strict: true, noEscape: !name.endsWith('.html') });
    compiled.set(name, template);
  }
  return template(view);
}

function source(name: string): string {
  return readFileSync(new URL(`../../templates/${name}.hbs`, import.meta.url), 'utf8');
}

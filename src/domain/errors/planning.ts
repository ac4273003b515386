import { closest, type ErrorTexts } from './text.ts';

/** PH1xxx: what a change is asked for does not fit, such as a name, a release or an expression; exit 2. */
export interface PlanningErrors {
  PH1007: { table: string; close: readonly string[] };
  PH1008: { table: string; column: string; close: readonly string[] };
  PH1009: { name: string; reason: string };
  PH1010: { releases: readonly string[]; reason: string };
  PH1012: { table: string; candidates: readonly string[] };
  PH1014: { rename: string };
  PH1020: { table: string };
  PH1026: { rename: string; known: readonly string[] };
  PH1027: { rename: string; phase: number; release: string; reason: string };
  PH1031: { rename: string; object: string; named: readonly string[] };
  PH1043: {
    flag: '--using' | '--back' | '--into' | '--fill' | '--default' | '--on-error';
    expression: string;
    column: string;
    from: string;
    to: string;
    reason: string;
  };
  PH1044: { type: string; reason: string };
  PH1045: { via: string; source: string; target: string; reason: string };
}

/** A flag as it is given. */
function example({ flag, column }: PlanningErrors['PH1043'], what: string): string {
  const [first = ''] = column.split(', ');
  const expression = what.startsWith('::') ? `lower(${first})${what}` : `${first} ${what}`;
  return `${flag} "${flag === '--into' ? 'name=' : ''}${expression}"`;
}

const isOfSync = (flag: string): boolean => flag === '--using' || flag === '--back' || flag === '--into';

export const planningErrors: ErrorTexts<PlanningErrors> = {
  PH1007: {
    exit: 2,
    title: 'The table does not exist',
    what: (d) => `There is no table ${d.table}.`,
    why: (d) => closest(d.close),
    remedy: () => 'Name an existing table as in SQL: schema.table, in double quotes where it needs them.',
  },
  PH1008: {
    exit: 2,
    title: 'The column does not exist',
    what: (d) => `The table ${d.table} has no column ${d.column}.`,
    why: (d) => closest(d.close),
    remedy: () => 'Give the flag, such as --from or --map, the name of an existing column, not quoted.',
  },
  PH1009: {
    exit: 2,
    title: 'The new name cannot be used',
    what: (d) => `The column cannot be named "${d.name}".`,
    why: (d) => d.reason,
    remedy: () => 'Choose another name with --to, or in its --map.',
  },
  PH1010: {
    exit: 2,
    title: 'The three releases cannot be used',
    what: (d) => `The releases ${d.releases.join(', ')} cannot carry a rename.`,
    why: (d) => d.reason,
    remedy: () => 'Give --releases r1,r2,r3: three ascending releases that are not cut yet.',
  },
  PH1012: {
    exit: 2,
    title: 'The name of a table cannot be read',
    what: (d) => `"${d.table}" does not name one table.`,
    why: (d) =>
      d.candidates.length > 0 ? `It could be ${d.candidates.join(' or ')}.` : 'It is not a name as SQL has them.',
    remedy: () => 'Write it as in SQL: schema.table, each part in double quotes where it needs them.',
  },
  PH1014: {
    exit: 2,
    title: 'The name cannot be given to a rename',
    what: (d) => `The name ${d.rename} cannot be given to a rename.`,
    why: () => 'A rename of that name is in db/renames, or the name has other characters than a-z, 0-9 and _.',
    remedy: () => 'Give --name another name of lower-case letters, digits and underscores.',
  },
  PH1020: {
    exit: 2,
    title: 'It is not a table whose columns can be renamed this way',
    what: (d) => `${d.table} is not a table.`,
    why: () => 'Only ordinary tables hold rows that a trigger can keep in step.',
    remedy: () => 'Rename the column of the table behind it; views are changed in one statement.',
  },
  PH1026: {
    exit: 2,
    title: 'There is no such rename or other change',
    what: (d) => `There is no rename and no other change that is called ${d.rename}.`,
    why: (d) => (d.known.length === 0 ? 'There is none at all.' : `There are: ${d.known.join(', ')}.`),
    remedy: () => 'Name one of them, or scaffold it with phase new change.',
  },
  PH1027: {
    exit: 2,
    title: 'A phase cannot be moved to that release',
    what: (d) => `Phase ${d.phase} of ${d.rename} cannot be moved to ${d.release}.`,
    why: (d) => d.reason,
    remedy: () =>
      'Give --release an open release between those of the neighbouring phases; phase release list shows them.',
  },
  PH1031: {
    exit: 2,
    title: 'No gate names that object',
    what: (d) => `No gate of ${d.rename} names ${d.object} in this database.`,
    why: (d) =>
      d.named.length === 0 ? 'None names anything that could be acknowledged.' : `Named are: ${d.named.join('; ')}.`,
    remedy: () =>
      'Give the object as the refusal has named it, in quotes of the shell. What PostgreSQL drops no column with, such as a view, cannot be acknowledged: let it use the new column, or drop it.',
  },
  PH1043: {
    exit: 2,
    title: 'An expression cannot stand where it is given',
    what: (d) =>
      isOfSync(d.flag)
        ? `${d.expression} gives no ${d.to} for the ${d.from} that ${d.column} is: ${d.reason}`
        : `${d.expression} gives no ${d.to} for ${d.column}: ${d.reason}`,
    why: (d) =>
      isOfSync(d.flag)
        ? 'It stands in a trigger of every write, in the backfill and in the gates: SQL over the column alone, of the type or one that is assigned to it, and the same at all times (IMMUTABLE).'
        : 'PostgreSQL was asked for it, on a table of its own.',
    remedy: (d) =>
      isOfSync(d.flag)
        ? `Give one with ${d.flag}, over ${d.column}: ${example(d, "AT TIME ZONE 'UTC'")} where the time zone of the session would count, ${example(d, '::public.mood')} where there is no cast (of a split or a merge an enum by CASE, since PostgreSQL does not call its cast immutable). Functions and types of the application stand there with their schema.`
        : `Give ${d.flag} SQL of the type, with texts in quotes, and functions of the application with their schema: ${d.flag} "${d.flag === '--on-error' ? 'value:' : ''}'none'".`,
  },
  PH1044: {
    exit: 2,
    title: 'No such type',
    what: (d) => `${d.type} is no type that a column can have: ${d.reason}`,
    why: () => 'The new type is looked up in the database, by the search path of the role.',
    remedy: () => 'Write it as in SQL, with its schema where the path does not find it: numeric(12, 2), public.mood.',
  },
  PH1045: {
    exit: 2,
    title: 'What joins the two tables is not understood',
    what: (d) => `${d.via} does not tell which rows of ${d.source} and ${d.target} belong together: ${d.reason}`,
    why: () =>
      'A value that moves has one row to go to: columns of both tables that are equal, of which those of the table that it goes to are unique.',
    remedy: (d) =>
      `Give it as --via "${d.target}.${d.source}_id = ${d.source}.id", several with AND; where nothing is unique there, add a unique index in an earlier release.`,
  },
};

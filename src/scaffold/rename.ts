import { type Change, kindOf } from '../domain/change.ts';
import { dollarTag } from '../domain/identifier.ts';
import { isOfGenerated } from '../domain/rename.ts';
import { backfills, importsOf } from '../objects/code.ts';
import type { FunctionVersion } from '../planner/rename/function-versions.ts';
import type { PlannedBody, PlannedStep, RenamePlan } from '../planner/rename/plan.ts';
import { printConstants, WIDTH } from './code.ts';
import { render } from './templates.ts';

/** A file of a scaffolded rename. */
export interface ScaffoldedFile {
  /** Within its folder, with its extension. */
  readonly fileName: string;
  readonly kind: 'schema' | 'data' | 'function' | 'trigger';
  readonly phase: 1 | 2 | 3;
  readonly content: string;
  /** Set for migrations. */
  readonly step: PlannedStep | null;
}

const TITLES: Record<PlannedStep['step'], string> = {
  expand: 'Phase 1: the new column and its sync, in one transaction.',
  backfill: 'Phase 1: every row that still needs it is copied to the new column, in batches.',
  constrain: 'Phase 1: the new column gets the indexes and constraints of the old one, without long locks.',
  switch: 'Phase 2: the new column takes authority.',
  refresh: 'Phase 3: what was found on the old column after the rename was scaffolded is carried over, too.',
  contract: 'Phase 3: the sync and the old column go, and names are restored.',
};

/** Of a generated column nothing is kept in step. */
const TITLES_OF_GENERATED: Partial<typeof TITLES> = {
  expand: 'Phase 1: the new column, generated like the old one.',
  backfill: 'Phase 1: the step that copies rows of other columns.',
  switch: 'Phase 2: what hangs on the old column is bound to the new one.',
  contract: 'Phase 3: the old column goes, and names are restored.',
};

const TITLES_OF_RETYPE: Partial<typeof TITLES> = {
  expand: 'Phase 1: the new column, under a name of its own, and its sync, in one transaction.',
  backfill: 'Phase 1: every row that still needs it gets its value of the new type, in batches.',
  switch: 'Phase 2: the two columns exchange their names, and the old one goes aside.',
  contract: 'Phase 3: the sync and the old column go.',
};

const TITLES_OF_MAPPING: Partial<typeof TITLES> = {
  expand: 'Phase 1: what is new, and its sync, in one transaction.',
  backfill: 'Phase 1: every row that still needs it is filled by the maps, in batches.',
  constrain: 'Phase 1: statistics for what is new.',
  switch: 'Phase 2: what is new takes authority.',
  contract: 'Phase 3: the sync and what is old go.',
};

const TITLES_OF_MOVE: Partial<typeof TITLES> = {
  expand: 'Phase 1: the new column, and the sync of both tables, in one transaction.',
  backfill: 'Phase 1: every row that still needs it gets its value from the other table, in batches.',
  constrain: 'Phase 1: statistics for the new column.',
  switch: 'Phase 2: the other table takes authority.',
  contract: 'Phase 3: the sync and the old column go.',
};

const NOUNS = { rename: 'Rename', retype: 'Retype', split: 'Split', merge: 'Merge', move: 'Move' } as const;

const TITLES_OF = {
  rename: {},
  retype: TITLES_OF_RETYPE,
  split: TITLES_OF_MAPPING,
  merge: TITLES_OF_MAPPING,
  move: TITLES_OF_MOVE,
} as const;

/** Every file of a plan, with its text. */
export function scaffoldRename({ rename, steps, bodies, versions }: RenamePlan<Change>): ScaffoldedFile[] {
  return [
    ...bodies.map(scaffoldBody),
    ...versions.flatMap(scaffoldVersion),
    ...steps.map((step) => scaffoldStep(rename, step)),
  ];
}

/** The version to be edited, and the one before it where there was none. */
export function scaffoldVersion({ name, version, content, before }: FunctionVersion): ScaffoldedFile[] {
  const file = (number: number, text: string): ScaffoldedFile => ({
    fileName: `${name}_v${String(number).padStart(2, '0')}.sql`,
    kind: 'function',
    phase: 2,
    content: text,
    step: null,
  });
  return [...(before === null ? [] : [file(version - 1, before)]), file(version, content)];
}

/** A function or trigger of the sync. */
export function scaffoldBody({ kind, name, phase, place, of, view }: PlannedBody): ScaffoldedFile {
  const template = kind === 'trigger' ? 'trigger' : place === 'last' && of === 'rename' ? 'last_function' : 'function';
  const content = render(`${of}/${template}.sql`, { ...view, place, tag: dollarTag(JSON.stringify(view)) });
  return { fileName: `${name}_v01.sql`, kind, phase, content, step: null };
}

export function scaffoldStep(rename: Change, step: PlannedStep): ScaffoldedFile {
  const kind = kindOf(rename);
  const titles = { ...TITLES, ...TITLES_OF[kind], ...(isOfGenerated(rename) ? TITLES_OF_GENERATED : {}) };
  const types = backfills([...step.up, ...step.down]) ? ['type MigrationContext'] : [];
  const names = [...importsOf([...step.up, ...step.down]), ...types];
  const steps = [...step.up, ...step.down];
  const inserts = steps.some((part) => part.kind === 'insertMissing');
  const content = render(step.step === 'backfill' ? 'rename/backfill.ts' : 'rename/migration.ts', {
    noun: NOUNS[kind],
    rename: rename.name,
    title: titles[step.step],
    imports: printImports(names.sort((a, b) => compareImports(a, b))),
    settings: settingsOf(step),
    constants: printConstants(step.constants ?? {}),
    up: step.up,
    down: step.down,
    upBackfills: backfills(step.up),
    downBackfills: backfills(step.down),
    inserts,
  });
  return { fileName: `${step.id}.ts`, kind: step.kind, phase: step.phase, content, step };
}

/** On one line where it fits, as the formatter does it. */
export function printImports(names: readonly string[]): string {
  const flat = `import { ${names.join(', ')} } from 'triphase';`;
  return flat.length <= WIDTH ? flat : `import {\n${names.map((name) => `  ${name},\n`).join('')}} from 'triphase';`;
}

/** Without regard to `type` and case, as the formatter sorts imports. */
function compareImports(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.replace('type ', '').toLowerCase());
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function settingsOf({ transaction, downTransaction }: PlannedStep): string {
  if (transaction && downTransaction) return '';
  const parts = [
    ...(transaction ? [] : ['transaction: false']),
    ...(transaction === downTransaction ? [] : [`downTransaction: ${downTransaction}`]),
    'safeToRepeat: true',
  ];
  return `{ ${parts.join(', ')} }`;
}

import type { SampleRow } from '../catalog/sample-rows.ts';
import type { Change } from '../domain/change.ts';
import type { ChangeKind } from '../domain/rename.ts';
import type { TableFacts } from '../objects/table-facts.ts';
import type { RenamePlan } from '../planner/rename/plan.ts';
import { looking } from '../postgres/looking.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { FileChange } from '../project/files.ts';
import type { History } from '../project/history.ts';
import type { WrittenFile } from '../wizard/files.ts';
import { writeDraft } from '../wizard/rename-column.ts';
import { describeFacts, describeFiles, ensureConfirmed } from './change-questions.ts';
import type { CommandContext } from './context.ts';
import type { Result } from './output.ts';
import type { Prompts } from './prompts.ts';
import { describeSample } from './sample.ts';

/** A change of any kind in three phases, as it is to be written. */
interface DraftedChange<C extends Change> {
  readonly plan: RenamePlan<C>;
  readonly warnings: RenamePlan['warnings'];
  readonly files: readonly WrittenFile[];
  readonly changes: readonly FileChange[];
}

interface Writing<C extends Change> {
  readonly db: Queryable;
  readonly history: History;
  readonly kind: ChangeKind;
  /** What was found, of each old column. */
  readonly facts: readonly TableFacts[];
  readonly draft: DraftedChange<C>;
  /** Some values as they become. */
  readonly sample: (change: C) => Promise<SampleRow[]>;
}

/** Shows what was found, values as they become, and what would be written; writes it once that is confirmed: all files, or none. */
export async function writeChange<C extends Change>(
  context: CommandContext,
  prompts: Prompts,
  { db, history, kind, facts, draft, sample }: Writing<C>,
): Promise<Result> {
  const { plan, files, warnings } = draft;
  for (const found of facts) context.output.notice(describeFacts(found));
  // Only to whoever asked: values of rows have no place in the log of a pipeline.
  if (prompts.canAsk) context.output.notice(describeSample(await looking(db, () => sample(plan.rename))));
  context.output.notice(describeFiles(files, warnings));
  await ensureConfirmed(prompts, files.length);
  await writeDraft(history, draft);
  return {
    document: { change: plan.rename.name, kind, files, warnings },
    text: files.map(({ path }) => `wrote ${path}`).join('\n'),
  };
}

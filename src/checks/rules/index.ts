import type { Rule } from '../rule.ts';
import { blockingCommand } from './blocking-command.ts';
import { blockingIndex } from './blocking-index.ts';
import { blockingKey } from './blocking-key.ts';
import { dataInSchema, schemaInData } from './concerns.ts';
import { dropColumn } from './drop-column.ts';
import { notNullWithoutDefault, volatileDefault } from './filled-column.ts';
import { importsModels } from './imports.ts';
import { severalLocks } from './large-locks.ts';
import { foreignKeyWithoutIndex, noPrimaryKey } from './new-tables.ts';
import { notNullByScan } from './not-null-by-scan.ts';
import { rawRename } from './raw-rename.ts';
import { ticket } from './ticket.ts';
import { typeChange } from './type-change.ts';
import { validatingConstraint } from './validating-constraint.ts';

/** All rules that judge single migrations, in the order of docs/checks.md. */
export const RULES: readonly Rule[] = [
  rawRename,
  dropColumn,
  typeChange,
  blockingIndex,
  blockingKey,
  blockingCommand,
  validatingConstraint,
  notNullByScan,
  volatileDefault,
  notNullWithoutDefault,
  severalLocks,
  dataInSchema,
  schemaInData,
  noPrimaryKey,
  foreignKeyWithoutIndex,
  importsModels,
  ticket,
];

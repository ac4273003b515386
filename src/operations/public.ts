/** All that migrations call: what a scaffolded file imports from `triphase`, and what types the code of steps. */
export { addColumnLike, addColumnOfType } from './add-column.ts';
export { alterType, dropDefault, dropNotNull, setDefault } from './alter-columns.ts';
export { copyAttributes, copyNotNull } from './attributes.ts';
export { addColumnToChildren } from './children.ts';
export { dropColumn, hasColumn, isOfType, replaceColumn, restoreTwinNames } from './columns.ts';
export {
  addConstraint,
  addExclusion,
  addPartitionedUnique,
  addUnique,
  dropConstraint,
  replaceForeignKey,
  restoreForeignKey,
} from './constraints.ts';
export { exchangeColumns } from './exchange.ts';
export { atomically, execute } from './execute.ts';
export { createFunction, dropFunction, updateFunction } from './functions.ts';
export { confirmGate } from './gate.ts';
export { moveIdentity } from './identity.ts';
export { createIndex, dropIndex } from './indexes.ts';
export { createUnsettled, dropUnsettled, insertMissing } from './move.ts';
export { renameNotNull, setNotNull, unsetNotNull } from './not-null.ts';
export { restorePrimaryKey } from './primary-key.ts';
export { rebindDependents } from './rebind.ts';
export { createOldName, dropOldName, renameTable, renameTableBack } from './rename-table.ts';
export { ensureWithinRewriteLimit } from './rewrite-limit.ts';
export { rebindRule } from './rules.ts';
export { createStragglers, dropStragglers } from './stragglers.ts';
export { createTrigger, dropTrigger, rebindTrigger, updateTrigger } from './triggers.ts';
export { restoreIndexRoles } from './twins.ts';
export { ensureUnwritten } from './unwritten.ts';

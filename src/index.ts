/** What a migration, a task or a configuration of an application imports. */
export { addColumnLike } from './operations/add-column.ts';
export { alterType, dropDefault, dropNotNull, setDefault } from './operations/alter-columns.ts';
export { copyAttributes, matchNotNull } from './operations/attributes.ts';
export { addToChildren } from './operations/children.ts';
export { dropColumn, hasColumn, replaceColumn, setAside } from './operations/columns.ts';
export {
  addConstraint,
  addExclusion,
  addPartitionedUnique,
  addUnique,
  dropConstraint,
  dropReplacedKey,
  returnReplacedKey,
} from './operations/constraints.ts';
export { atomically, execute } from './operations/execute.ts';
export { createFunction, dropFunction, updateFunction } from './operations/functions.ts';
export { confirmGate } from './operations/gate.ts';
export { moveIdentity } from './operations/identity.ts';
export { createIndex, dropIndex } from './operations/indexes.ts';
export { renameNotNull, setNotNull, unsetNotNull } from './operations/not-null.ts';
export { returnPrimaryKey } from './operations/primary-key.ts';
export { rebindDependents } from './operations/rebind.ts';
export { ensureSmall } from './operations/rewrite-limit.ts';
export { rebindRule } from './operations/rules.ts';
export { createStragglers, dropStragglers } from './operations/stragglers.ts';
export { createTrigger, dropTrigger, rebindTrigger, updateTrigger } from './operations/triggers.ts';
export { appointOriginals } from './operations/twins.ts';
export { defineConfig, type UserConfig } from './project/config.ts';
export type { MigrationContext } from './runner/migration-context.ts';
export type { TaskContext } from './tasks/definition.ts';

/** What a migration, a task or a configuration of an application imports. */
export { dropReplacedColumn, hasColumn } from './operations/columns.ts';
export { addConstraint, addUnique, dropConstraint, renameNotNull, setNotNull } from './operations/constraints.ts';
export { atomically, execute } from './operations/execute.ts';
export { createFunction, dropFunction, updateFunction } from './operations/functions.ts';
export { confirmGate } from './operations/gate.ts';
export { createIndex, dropIndex } from './operations/indexes.ts';
export { createTrigger, dropTrigger, updateTrigger } from './operations/triggers.ts';
export { defineConfig, type UserConfig } from './project/config.ts';
export type { MigrationContext } from './runner/migration-context.ts';

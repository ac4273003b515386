/** What a migration, a task or a configuration of an application imports. */
export * from './operations/deprecated.ts';
export * from './operations/public.ts';
export { defineConfig, type UserConfig } from './project/config.ts';
export { fromMigrationSource } from './project/migration-source.ts';
export type { MigrationContext } from './runner/migration-context.ts';
export type { TaskContext } from './tasks/definition.ts';

// What the command line calls, for those who run upgrades from their own code.
export { PhaseError } from '../domain/errors/phase-error.ts';
export type { FailedEvent, MigratedEvent, MigrationRef, OnEvent, RunEvent } from '../domain/events.ts';
export type { MigrateResult, RollbackResult } from '../domain/results.ts';
export type { RenameStatus, Status } from '../domain/status.ts';
export type { DryRun } from '../runner/dry-run.ts';
export type { WaitResult } from '../runner/wait.ts';
export { dryRun } from './dry-run.ts';
export { type PlanOptions, type PlanResult, plan } from './plan.ts';
export type { ProjectOptions } from './project.ts';
export { type FinishOptions, finish, type MigrateOptions, migrate, type RollbackOptions, rollback } from './runs.ts';
export { type StatusOptions, status } from './status.ts';
export { type WaitOptions, wait } from './wait.ts';

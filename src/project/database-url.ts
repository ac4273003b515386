import type { Project } from './config.ts';

/** The URL that was given, the configuration's, DATABASE_URL; undefined leaves it to the PG* variables. */
export function databaseUrlOf(
  { config }: Pick<Project, 'config'>,
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  // A variable that is set to nothing, as an unset secret is, gives no URL.
  return given ?? config.databaseUrl ?? (env.DATABASE_URL || undefined);
}

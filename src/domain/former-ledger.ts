/** Tools whose migrations can be taken over, with where each keeps what it has run unless it is told otherwise. */
export const FORMER_TABLES = {
  knex: 'knex_migrations',
  'node-pg-migrate': 'pgmigrations',
  prisma: '_prisma_migrations',
  drizzle: 'drizzle.__drizzle_migrations',
} as const;

export type FormerTool = keyof typeof FORMER_TABLES;

/** Where the tool that migrated a project before keeps what it has run. */
export interface FormerLedger {
  readonly tool: FormerTool;
  /** As SQL names it. */
  readonly table: string;
}

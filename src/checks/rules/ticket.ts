import type { Rule } from '../rule.ts';

export const ticket: Rule = {
  code: 'no_ticket',
  title: 'A data migration names no ticket',
  why: 'check.ticket is set in the configuration: audits are filed under the ticket that asked for the change.',
  safely:
    "export const config = { ticket: 'SHOP-123' } in the migration; a script cannot say it, so write it in TypeScript.",
  examples: {
    found: 'export async function up(knex) {}',
    silent: "export const config = { ticket: 'SHOP-123' };\nexport async function up(knex) {}",
  },
  judge({ kind, settings }, { requires }) {
    if (!requires.ticket || kind !== 'data' || settings.ticket !== null) return [];
    const message = 'This data migration names no ticket, which the configuration asks for.';
    return [{ line: null, severity: 'error' as const, message, remedy: "Export config = { ticket: '...' } from it." }];
  },
};

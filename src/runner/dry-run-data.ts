import type { DataChangeRequest, Query } from '../data/audit/request.ts';
import { quoteIdent, quoteLiteral } from '../domain/identifier.ts';
import type { MigrationContext } from './migration-context.ts';

/** Where a dry run writes. */
export interface Script {
  comment(text: string): void;
  statement(sql: string): void;
}

/** The work on data of a migration, as the statements that it would run. */
export function scriptedContext(script: Script): MigrationContext {
  return {
    log: (message) => script.comment(message),
    async backfill({ table, set, where }) {
      const values = Object.entries(set).map(([column, value]) => `${quoteIdent(column)} = ${value}`);
      script.comment(
        'In batches over ranges of the table, each in a transaction of its own; as one statement it would be:',
      );
      script.statement(`UPDATE ${table} SET ${values.join(', ')} WHERE ${where}`);
      return { rows: 0 };
    },
    async inBatches({ table }) {
      script.comment(`Code is handed the rows of ${table} in batches; what it would write cannot be shown.`);
      return { rows: 0 };
    },
    async dataChange(name, request) {
      dataChange(script, name, request);
      return { pre: null, change: null, post: null };
    },
    async restoreFrom(name, { table }) {
      script.comment(`What the audit of ${name} holds would be put back into ${table}.`);
      return { pre: null, change: null, post: null };
    },
    async readAudit(file) {
      throw new Error(`A dry run does not read the audit ${file}.`);
    },
  };
}

function dataChange(script: Script, name: string, { pre, change, post }: DataChangeRequest): void {
  script.comment(`The data change ${name}, in one snapshot:`);
  for (const [kind, query] of Object.entries({ pre, change, post })) {
    if (query === undefined) continue;
    if (kind === 'change') statement(script, query);
    else script.comment(`${kind} goes to a CSV file: ${oneLine(typeof query === 'string' ? query : query.sql)}`);
  }
}

/** Values stand in an EXECUTE, as psql takes them. */
function statement(script: Script, query: Query): void {
  if (typeof query === 'string' || query.values.length === 0) {
    script.statement(typeof query === 'string' ? query : query.sql);
    return;
  }
  const values = query.values.map((value) => (value === null ? 'NULL' : quoteLiteral(String(value))));
  script.statement(`PREPARE phase_change AS ${query.sql}`);
  script.statement(`EXECUTE phase_change(${values.join(', ')})`);
  script.statement('DEALLOCATE phase_change');
}

const oneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim();

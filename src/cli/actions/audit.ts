import { relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { exportAudits } from '../../data/audit/export.ts';
import { type AuditState, isStored, openAudit, verifyAudit } from '../../data/audit/stored.ts';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { type Audit, type AuditFilter, listAudits } from '../../ledger/audits.ts';
import { ensureKnownFormat, ledgerFormat, READABLE_FORMAT } from '../../ledger/format.ts';
import { withConnection } from '../../postgres/connection.ts';
import type { LedgerDb } from '../../postgres/queryable.ts';
import type { Project } from '../../project/config.ts';
import { table } from '../../report/table.ts';
import type { CommandContext } from '../context.ts';
import type { Result } from '../output.ts';

interface AuditFlags {
  migration?: string;
  ticket?: string;
  out?: string;
  exact?: boolean;
}

/** How many lines of a file `show` prints. */
const HEAD_LINES = 10;
const FINDINGS = 7;

type Run = (
  at: { readonly db: LedgerDb; readonly project: Project; readonly context: CommandContext },
  audits: readonly Audit[],
  flags: AuditFlags,
) => Promise<Result>;

export async function runAudit(context: CommandContext, command: Command): Promise<Result> {
  const run = RUNS[command.name() as keyof typeof RUNS];
  const flags = command.opts<AuditFlags>();
  const project = await context.openProject();
  const filter: AuditFilter = { owner: flags.migration, ticket: flags.ticket, file: command.args[0] };
  const database = await context.database(project);
  return withConnection({ ...database, applicationName: 'phase audit' }, async (db) => {
    const format = await ledgerFormat(db);
    ensureKnownFormat(format);
    const audits = format < READABLE_FORMAT ? [] : await listAudits(db, filter);
    // A list may be empty; nothing can be said of an audit that a typing error names.
    const named = filter.file ?? (command.name() === 'list' ? undefined : (filter.owner ?? filter.ticket));
    if (named !== undefined && audits.length === 0) {
      throw new PhaseError('PH3016', { file: named, reason: 'The ledger of this database lists no such audit.' });
    }
    return run({ db, project, context }, audits, flags);
  });
}

const document = (audit: Audit, state: string): object => ({ ...audit, state });

const list: Run = async ({ db, project }, audits) => {
  const states = await Promise.all(
    audits.map(async (audit) => ((await isStored(db, project.root, audit)) ? 'stored' : 'missing')),
  );
  return {
    document: { audits: audits.map((audit, at) => document(audit, states[at] ?? '')) },
    text:
      audits.length === 0
        ? 'no audits'
        : table(audits.map((audit, at) => [audit.writtenAt, rowsOf(audit), states[at] ?? '', audit.store, audit.file])),
  };
};

const show: Run = async ({ db, project }, audits) => {
  const shown = [];
  for (const audit of audits) {
    const state = await verifyAudit(db, project.root, audit);
    shown.push({ audit, state, head: state === 'ok' ? await headOf(db, project.root, audit) : [] });
  }
  return {
    document: {
      audits: shown.map(({ audit, state, head }) => ({ ...document(audit, state), head })),
    },
    text: shown
      .map(({ audit, state, head }) => `${table([...factsOf(audit), ['state', state]])}\n\n${head.join('\n')}`)
      .join('\n\n'),
  };
};

const verify: Run = async ({ db, project, context: { output } }, audits) => {
  const states: AuditState[] = [];
  for (const audit of audits) states.push(await verifyAudit(db, project.root, audit));
  const wrong = audits.flatMap((audit, at) =>
    states[at] === 'ok' ? [] : [[output.paint('red', states[at] ?? ''), audit.file]],
  );
  return {
    document: { audits: audits.map((audit, at) => document(audit, states[at] ?? '')) },
    text: [`${audits.length - wrong.length} of ${audits.length} audits are what was written`, table(wrong)]
      .join('\n')
      .trim(),
    exitCode: wrong.length === 0 ? 0 : FINDINGS,
  };
};

const exportAll: Run = async ({ db, project, context }, audits, { out, exact = false }) => {
  if (out === undefined) throw new PhaseError('PH1004', { question: 'Which folder do they go to?', flag: '--out' });
  const folder = resolve(context.surroundings.cwd, out);
  const exported = await exportAudits(db, project.root, audits, { out: folder, exact });
  return {
    document: {
      out: relative(project.root, folder) || '.',
      audits: exported.map(({ audit, file }) => ({ ...document(audit, 'ok'), exported: file })),
    },
    text: [...exported.map(({ file }) => file), 'audits.json'].map((file) => `wrote ${out}/${file}`).join('\n'),
  };
};

/** By the name of the command. */
const RUNS = { list, show, verify, export: exportAll } as const;

const rowsOf = ({ rows }: Audit): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`;

function factsOf(audit: Audit): string[][] {
  return [
    ['file', audit.file],
    ['of', `${audit.owner}, run ${audit.run}${audit.ticket === null ? '' : `, ticket ${audit.ticket}`}`],
    ['written', `${audit.writtenAt} on ${audit.host}`],
    ['rows', `${audit.rows} (${audit.bytes} bytes in the ${audit.store === 'files' ? 'file' : 'database'})`],
    ['sha256', audit.sha256],
    ['columns', audit.columns.map(({ name, type }) => `${name} ${type}`).join(', ')],
    ['key', audit.isSummary ? '(a summary)' : `${audit.key.join(', ')} (${audit.keysRule})`],
    ['redacted', audit.redacted.join(', ')],
  ].filter(([, value]) => value !== '');
}

async function headOf(db: LedgerDb, root: string, audit: Audit): Promise<string[]> {
  const csv = await openAudit(db, root, audit);
  const lines: string[] = [];
  for await (const line of createInterface({ input: csv, crlfDelay: Number.POSITIVE_INFINITY })) {
    lines.push(line);
    if (lines.length > HEAD_LINES) break;
  }
  csv.destroy();
  return lines;
}

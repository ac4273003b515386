import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ColumnFacts } from '../domain/facts.ts';
import { deriveName, dollarTag, quoteIdent, quoteQualified, shortHash } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { castType } from '../domain/mapping.ts';
import { differs, type StragglerSequences } from '../domain/rename.ts';
import { stragglerCounter } from '../domain/straggler-counter.ts';
import { migrationsSoFar } from '../ledger/migrations.ts';
import type { LedgerDb } from '../postgres/queryable.ts';
import { versionFile } from '../project/folders.ts';
import type { History } from '../project/history.ts';
import { listVersionedNames, readVersion } from '../project/versions.ts';
import { render } from '../scaffold/templates.ts';
import { sourceOf } from './files.ts';

interface CountedColumn {
  readonly schema: string;
  /** The table, schema and name quoted. */
  readonly on: string;
  readonly facts: ColumnFacts;
}

/** What counts writes of a column: names of the function, of its trigger and of the sequences, and their files, relative to the root. */
export interface Counting {
  readonly function: string;
  readonly trigger: string;
  readonly writes: StragglerSequences;
  readonly sources: readonly { readonly path: string; readonly content: string }[];
}

/** What counts writes of the column: a function, its trigger, and the sequences. @throws PH2002 when it is dropped already, by files that have not run. */
export async function countingOf(
  db: LedgerDb,
  history: History,
  counted: CountedColumn,
  stem: string,
): Promise<Counting> {
  const taken = new Set(await listVersionedNames(history.root, 'function'));
  for (let attempt = 0; ; attempt += 1) {
    const suffix = attempt === 0 ? '' : `_${shortHash(`${counted.on} ${attempt}`)}`;
    const counting = printCounting(deriveName(`writes_${stem}${suffix}`, ''), counted, db.ledgerSchema);
    if (!taken.has(counting.function)) return counting;
    await ensureGone(db, history, counting, counted.facts.name);
  }
}

/** The same column goes once: another of its name may come after it. @throws PH2002 */
async function ensureGone(db: LedgerDb, history: History, counting: Counting, column: string): Promise<void> {
  // The trigger's file says which column it is, and nothing that changes.
  const source = counting.sources.find(({ path }) => path === versionFile('trigger', counting.trigger, 1));
  const standing = await readVersion(history.root, 'trigger', counting.trigger, 1);
  if (source === undefined || standing !== source.content) return;
  const { file } = sourceOf(source.path, source.content);
  const manifest = history.manifests.find(({ sources }) => sources.some((one) => one.file === file));
  if (manifest === undefined) return;
  const applied = new Set((await migrationsSoFar(db)).filter(({ state }) => state === 'applied').map(({ id }) => id));
  if (manifest.migrations.every(({ id }) => applied.has(id))) return;
  throw new PhaseError('PH2002', {
    rename: `The drop of ${column}`,
    other: `release ${manifest.release}`,
    reason: `${source.path} counts writes of it already: that release drops it, and has not run whole on this database.`,
    remedy:
      manifest.state === 'released'
        ? `Run it: phase migrate --release ${manifest.release}.`
        : `Run it: phase migrate --release ${manifest.release}. To scaffold it anew, take its entries out of the manifest and delete their files first: the release is not cut.`,
  });
}

function printCounting(name: string, { schema, on, facts }: CountedColumn, ledgerSchema: string): Counting {
  const writes = {
    count: deriveName(`stragglers_${name}`, ''),
    last: deriveName(`straggler_last_${name}`, ''),
    ...(ledgerSchema === DEFAULT_LEDGER_SCHEMA ? {} : { schema: ledgerSchema }),
  };
  const [column, value, before] = [
    quoteIdent(facts.name),
    `NEW.${quoteIdent(facts.name)}`,
    `OLD.${quoteIdent(facts.name)}`,
  ];
  const view = {
    ...{ table: on, column, functionName: quoteQualified({ schema, name }), triggerName: quoteIdent(name) },
    ...{
      given: givenOf(facts, value),
      changed: differs(value, before, facts.byteEqual),
      count: stragglerCounter(writes).count,
    },
  };
  const file = (kind: 'function' | 'trigger') => ({
    path: versionFile(kind, name, 1),
    content: render(`drop/${kind}.sql`, { ...view, tag: dollarTag(JSON.stringify(view)) }),
  });
  return { function: name, trigger: name, writes, sources: [file('function'), file('trigger')] };
}

/** Whether an insert gives it a value; empty where nobody can tell that from its default. */
function givenOf({ default: standing, domainDefault, identity, type, byteEqual }: ColumnFacts, value: string): string {
  if (identity || domainDefault !== null || standing?.class === 'volatile') return '';
  return standing === null
    ? `${value} IS DISTINCT FROM NULL`
    : differs(value, `CAST(${standing.expression} AS ${castType(type)})`, byteEqual);
}

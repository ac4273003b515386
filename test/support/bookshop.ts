import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LedgerDb } from '../../src/postgres/queryable.ts';
import type { FileChange } from '../../src/project/files.ts';
import type { History } from '../../src/project/history.ts';
import { draftMapping, type MappingAnswers } from '../../src/wizard/map-columns.ts';
import { draftMove } from '../../src/wizard/move-column.ts';
import { draftRename } from '../../src/wizard/rename-column.ts';
import { draftRetype } from '../../src/wizard/retype-column.ts';

/** The repository, which is laid out as the example application. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A change of the bookshop, as it was scaffolded: again with the same answers, it has to give the same files. */
interface BookshopChange {
  /** The moment that its files' timestamps begin with. */
  readonly at: Date;
  draft(db: LedgerDb, history: History, now: Date): Promise<{ readonly changes: readonly FileChange[] }>;
}

const FIRST = ['1.1.0', '1.2.0', '1.3.0'];
const SECOND = ['1.5.0', '1.6.0', '1.7.0'];

/** What is scaffolded on the bookshop of release 1.0.0. */
export const bookshopRename: BookshopChange = {
  at: new Date('2026-11-20T10:15:00Z'),
  draft: (db, history, now) =>
    draftRename(
      db,
      history,
      { table: 'customers', columns: [{ from: 'email', to: 'email_address' }], releases: FIRST },
      { now, rewriteLimit: 0 },
    ),
};

const mapping = (answers: Omit<MappingAnswers, 'releases'>): BookshopChange['draft'] => {
  return (db, history, now) => draftMapping(db, history, { ...answers, releases: SECOND }, { now });
};

/** On that of release 1.4.0, one after the other: a change of each other kind. */
export const bookshopChanges: readonly BookshopChange[] = [
  {
    at: new Date('2026-11-27T09:00:00Z'),
    draft: async (db, history, now) => {
      const answers = {
        table: 'order_lines',
        column: 'quantity',
        type: 'bigint',
        using: null,
        back: null,
        onError: null,
      };
      const wishes = { releases: SECOND, isTolerated: true, withReferences: false };
      const found = await draftRetype(db, history, { ...answers, ...wishes }, { now, rewriteLimit: 0 });
      if (found.kind === 'plain') throw new Error('It takes three releases.');
      return found.draft;
    },
  },
  {
    at: new Date('2026-11-27T09:10:00Z'),
    draft: mapping({
      ...{ kind: 'split', table: 'books', old: ['title'] },
      fresh: [
        { name: 'main_title', expression: "split_part(title, ': ', 1)" },
        { name: 'subtitle', expression: "nullif(substr(title, length(split_part(title, ': ', 1)) + 3), '')" },
      ],
      back: [{ name: 'title', expression: "main_title || coalesce(': ' || subtitle, '')" }],
      drop: [],
      onError: null,
    }),
  },
  {
    at: new Date('2026-11-27T09:20:00Z'),
    draft: mapping({
      ...{ kind: 'merge', table: 'books', old: ['width_mm', 'height_mm'] },
      fresh: [{ name: 'size', expression: "width_mm || 'x' || height_mm" }],
      back: [
        { name: 'width_mm', expression: "split_part(size, 'x', 1)::int" },
        { name: 'height_mm', expression: "split_part(size, 'x', 2)::int" },
      ],
      drop: [],
      onError: null,
    }),
  },
  {
    at: new Date('2026-11-27T09:30:00Z'),
    draft: (db, history, now) =>
      draftMove(
        db,
        history,
        {
          ...{ table: 'customers', column: 'visits', toTable: 'cards', to: 'visits' },
          ...{ via: 'cards.customer_id = customers.id', missing: 'create', drop: [], carry: [], releases: SECOND },
        },
        { now },
      ),
  },
];

/** Releases of all of them, in their order. */
export const BOOKSHOP_RELEASES = ['1.0.0', ...FIRST, '1.4.0', ...SECOND];

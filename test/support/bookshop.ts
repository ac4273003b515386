import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RenameAnswers } from '../../src/wizard/rename-column.ts';

/** The repository, which is laid out as the example application. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** How the rename in the repository was scaffolded: again with the same answers, it has to give the same files. */
export const bookshopRename: RenameAnswers = {
  table: 'customers',
  columns: [{ from: 'email', to: 'email_address' }],
  releases: ['1.1.0', '1.2.0', '1.3.0'],
};

/** The moment that its files' timestamps begin with. */
export const bookshopRenamedAt = new Date('2026-11-20T10:15:00Z');

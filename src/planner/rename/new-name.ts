import { PhaseError } from '../../domain/errors/phase-error.ts';
import { identifierBytes, MAX_IDENTIFIER_BYTES } from '../../domain/identifier.ts';

/** Columns that every table has by itself. Source: https://www.postgresql.org/docs/current/ddl-system-columns.html */
const SYSTEM_COLUMNS = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];

/** @throws PH1009 when a column cannot have that name. */
export function ensureUsableName(columns: readonly string[], from: string, to: string): void {
  const reason =
    to === from
      ? 'It is the name that the column has.'
      : columns.includes(to)
        ? 'The table has a column of that name already.'
        : nameProblem(to);
  if (reason !== null) throw new PhaseError('PH1009', { name: to, reason });
}

function nameProblem(name: string): string | null {
  if (name === '') return 'It is empty.';
  if (name.includes('\0')) return 'It holds a NUL character.';
  if (SYSTEM_COLUMNS.includes(name)) return 'It is reserved: every table has a system column of that name.';
  const bytes = identifierBytes(name);
  return bytes > MAX_IDENTIFIER_BYTES
    ? `It takes ${bytes} bytes; PostgreSQL keeps ${MAX_IDENTIFIER_BYTES} and silently cuts the rest.`
    : null;
}

import { PhaseError } from '../domain/errors/phase-error.ts';
import type { ChosenRename } from './diff.ts';

const NAME = String.raw`(?:"(?:[^"]|"")+"|[^\s".=]+)`;
const FORM = new RegExp(`^((?:${NAME}\\.)?${NAME})\\.(${NAME})=(${NAME})$`);

/** `users.email=email_address`, with names as SQL writes them. @throws PH1015 */
export function parseRename(text: string): ChosenRename {
  const [, table, from, to] = FORM.exec(text) ?? [];
  if (table === undefined || from === undefined || to === undefined)
    throw new PhaseError('PH1015', {
      what: '--rename',
      value: text,
      allowed: 'table.column=name, such as users.email=email_address',
    });
  return { table, from: plain(from), to: plain(to) };
}

const plain = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

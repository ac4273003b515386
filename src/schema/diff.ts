import { type Delta, diff, encodeId } from '@supabase/pg-delta';
import { readSchema } from './facts.ts';

/** One way in which two schemas differ, in words: `set column public.users.email: type`. */
export type SchemaDifference = string;

/** Compares the schemas of two databases by what pg-delta models, which leaves out the order of columns. Ledgers and roles are left out. */
export async function diffSchemas(from: string, to: string): Promise<SchemaDifference[]> {
  const [left, right] = await Promise.all([from, to].map((connection) => readSchema({ connection })));
  if (left === undefined || right === undefined) return [];
  return diff(left.facts, right.facts)
    .filter((delta) => !OF_SERVER.test(subject(delta)))
    .map(differenceInWords);
}

/** Roles are the server's: somebody else may make one between the two looks. */
const OF_SERVER = /^\(?(?:role|membership):/;

function subject(delta: Delta): string {
  switch (delta.verb) {
    case 'add':
    case 'remove':
      return encodeId(delta.fact.id);
    case 'set':
      return encodeId(delta.id);
    default:
      return encodeId(delta.edge.from);
  }
}

function differenceInWords(delta: Delta): SchemaDifference {
  if (delta.verb === 'set')
    return `set ${subject(delta)}: ${delta.attr} ${JSON.stringify(delta.from)} -> ${JSON.stringify(delta.to)}`;
  if (delta.verb === 'link' || delta.verb === 'unlink')
    return `${delta.verb} ${subject(delta)} -> ${encodeId(delta.edge.to)}`;
  return `${delta.verb} ${subject(delta)}`;
}

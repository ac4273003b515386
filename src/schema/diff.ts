import { type Delta, diff, encodeId, extract } from '@supabase/pg-delta';
import pg from 'pg';

/** One way in which two schemas differ, in words: `set column public.users.email: type`. */
export type SchemaDifference = string;

/**
 * Compares the schemas of two databases by pg-delta, but for the order of columns, which it does not model. The ledger
 * of phase is left out.
 */
export async function diffSchemas(from: string, to: string): Promise<SchemaDifference[]> {
  const [left, right] = await Promise.all([extractSchema(from), extractSchema(to)]);
  return diff(left, right)
    .filter((delta) => !isLedger(subject(delta)))
    .map(differenceInWords);
}

async function extractSchema(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  // A query under way fails by itself; a connection that is lost while it closes is nobody's concern.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', () => undefined);
  try {
    return (await extract(pool)).factBase;
  } finally {
    await pool.end();
  }
}

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

/** Everything in the schema `phase`: ids name their schema first. */
function isLedger(id: string): boolean {
  return /^(?:[A-Za-z]+:\(?)+"?phase"?(?:$|[.,)])/.test(id);
}

function differenceInWords(delta: Delta): SchemaDifference {
  if (delta.verb === 'set')
    return `set ${subject(delta)}: ${delta.attr} ${JSON.stringify(delta.from)} -> ${JSON.stringify(delta.to)}`;
  if (delta.verb === 'link' || delta.verb === 'unlink')
    return `${delta.verb} ${subject(delta)} -> ${encodeId(delta.edge.to)}`;
  return `${delta.verb} ${subject(delta)}`;
}

import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/**
 * What `COPY ... TO STDOUT` gives. Whoever stops reading before the end gets the connection back all the same: the rest
 * is read and thrown away, since the protocol knows no other way to end a COPY.
 */
export async function* copyOut(client: pg.Client, statement: string): AsyncGenerator<Buffer, number> {
  const stream = client.query(copyTo(statement));
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  stream.once('end', end).once('error', end);
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    return stream.rowCount;
  } finally {
    if (!ended) for await (const _ of stream);
  }
}

/** Feeds `COPY ... FROM STDIN`. */
export async function copyIn(client: pg.Client, statement: string, source: Readable): Promise<void> {
  await pipeline(source, client.query(copyFrom(statement)));
}

import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { type CopyToStreamQuery, from as copyFrom, to as copyTo } from 'pg-copy-streams';

/**
 * What `COPY ... TO STDOUT` gives. Whoever stops reading before the end gets the connection back all the same: the rest
 * is read and thrown away, since the protocol knows no other way to end a COPY.
 */
export async function* copyOut(client: pg.Client, statement: string): AsyncGenerator<Buffer, number> {
  const stream = client.query(copyTo(statement));
  const complete = commandComplete(stream);
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  stream.once('end', end).once('error', end);
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    await complete;
    return stream.rowCount;
  } finally {
    if (!ended) for await (const _ of stream);
  }
}

/** The stream ends with its data; the number of rows comes in a message of its own behind it, and so may an error. */
function commandComplete(stream: CopyToStreamQuery): Promise<void> {
  const complete = new Promise<void>((done, fail) => {
    stream.once('error', fail);
    // What pg calls of the query that is under way.
    Object.assign(stream, { handleReadyForQuery: () => done() });
  });
  // Whoever stops reading before the end does not wait for it.
  complete.catch(() => undefined);
  return complete;
}

/** Feeds `COPY ... FROM STDIN`. */
export async function copyIn(client: pg.Client, statement: string, source: Readable): Promise<void> {
  await pipeline(source, client.query(copyFrom(statement)));
}

import { expect, test } from '@jest/globals';
import pg from 'pg';
import { copyOut } from '../../src/postgres/copy.ts';
import { serverUrl } from '../support/database.ts';
import { Network } from '../support/network.ts';

test('the number of rows is known also where it comes later than the last of them', async () => {
  const network = await Network.open(serverUrl());
  network.pauseAfter = ({ from, type }) => (from === 'server' && type === 'c' ? 20 : 0);
  const client = new pg.Client({ connectionString: network.url });
  await client.connect();
  const copied = copyOut(client, 'COPY (SELECT generate_series(1, 20)) TO STDOUT');
  let text = '';
  let next = await copied.next();
  for (; next.done !== true; next = await copied.next()) text += next.value.toString();
  expect({ rows: next.value, lines: text.split('\n').length - 1 }).toEqual({ rows: 20, lines: 20 });
  await client.end();
  await network.close();
});

test('a connection that breaks behind the last row is an error, and nobody waits for ever', async () => {
  const network = await Network.open(serverUrl());
  network.decide = ({ from, type, text }) =>
    from === 'server' && type === 'C' && text.startsWith('COPY') ? 'cut this' : 'on';
  network.pauseAfter = ({ from, type }) => (from === 'server' && type === 'c' ? 20 : 0);
  const client = new pg.Client({ connectionString: network.url });
  client.on('error', () => undefined);
  await client.connect();
  const read = async (): Promise<void> => {
    for await (const _ of copyOut(client, 'COPY (SELECT generate_series(1, 20)) TO STDOUT'));
  };
  await expect(read()).rejects.toThrow('Connection terminated');
  await network.close();
});

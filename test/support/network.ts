import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One message of PostgreSQL's protocol on its way. Source: https://www.postgresql.org/docs/current/protocol-message-formats.html */
export interface WireMessage {
  readonly from: 'client' | 'server';
  /** The byte that says what it is, as a letter; empty for the first one of a connection. */
  readonly type: string;
  /** What it holds, as text. */
  readonly text: string;
  /** Its place among all messages of the network, from 1. */
  readonly number: number;
  /** Which of the connections it is on, from 1. */
  readonly connection: number;
}

/** What becomes of a message: it goes on, or the network breaks before it does, or is gone without a word from then on, in both directions. */
export type Passage = 'on' | 'cut this' | 'cut all' | 'gone';

/** A network between clients and a server that can break at any message. */
export class Network {
  readonly url: string;
  /** Asked of each message. */
  decide: (message: WireMessage) => Passage = () => 'on';
  /** How long nothing comes behind a message, in milliseconds. */
  pauseAfter: (message: WireMessage) => number = () => 0;
  #messages = 0;
  #connections = 0;
  readonly #gone = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** @param url of the server. */
  static async open(url: string): Promise<Network> {
    const target = new URL(url);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const own = new URL(url);
    own.hostname = '127.0.0.1';
    own.port = String((server.address() as AddressInfo).port);
    const network = new Network(server, own.href);
    server.on('connection', (client) => network.#join(client, connect(Number(target.port), target.hostname)));
    return network;
  }

  /** How many messages have been seen. */
  get messages(): number {
    return this.#messages;
  }

  /** The same network with the database of another URL behind it. */
  for(url: string): string {
    const own = new URL(this.url);
    own.pathname = new URL(url).pathname;
    return own.href;
  }

  cutAll(): void {
    for (const pair of this.#pairs) this.#cut(pair);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    // Nobody comes between: the server closes when the last connection has.
    this.#server.close();
    this.cutAll();
    await closed;
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    const connection = ++this.#connections;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#cut(pair));
      socket.on('close', () => this.#cut(pair));
    }
    client.on('data', this.#relay(pair, { from: 'client', connection }, server));
    server.on('data', this.#relay(pair, { from: 'server', connection }, client));
  }

  /** Hands on whole messages, as long as nothing is to break. */
  #relay(
    pair: readonly [Socket, Socket],
    side: Pick<WireMessage, 'from' | 'connection'>,
    to: Socket,
  ): (data: Buffer) => void {
    let rest = Buffer.alloc(0);
    let typed = side.from === 'server';
    let paused = false;
    const relay = (data: Buffer): void => {
      rest = Buffer.concat([rest, data]);
      while (!paused && !this.#gone.has(pair)) {
        const head = typed ? 1 : 0;
        if (rest.length < head + 4 || rest.length < head + rest.readInt32BE(head)) return;
        const bytes = rest.subarray(0, head + rest.readInt32BE(head));
        rest = rest.subarray(bytes.length);
        const type = typed ? String.fromCharCode(bytes[0] ?? 0) : '';
        typed = true;
        const message = { ...side, type, text: bytes.toString('latin1', head + 4), number: ++this.#messages };
        const passage = this.decide(message);
        if (passage === 'cut all') this.cutAll();
        if (passage === 'cut this') this.#cut(pair);
        if (passage === 'gone') this.#gone.add(pair);
        if (passage !== 'on') return;
        to.write(bytes);
        const pauseMs = this.pauseAfter(message);
        if (pauseMs === 0) continue;
        paused = true;
        setTimeout(() => {
          paused = false;
          relay(Buffer.alloc(0));
        }, pauseMs);
      }
    };
    return relay;
  }

  #cut(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
}

/** Whether a message is the server's answer to a COMMIT. */
export const isCommitted = ({ from, type, text }: WireMessage): boolean =>
  from === 'server' && type === 'C' && text.startsWith('COMMIT');

import type pg from 'pg';

/** Work on data may send one for each row. */
const MOST = 500;
const LONGEST = 20_000;

type Query = (...given: unknown[]) => unknown;

/** What migrations send by knex, which gives its statements as objects; the runner itself sends texts. */
export class SentStatements {
  readonly #texts = new Set<string>();

  watch(client: pg.Client): void {
    const query = client.query.bind(client) as Query;
    const watched: Query = (...given) => {
      const [config] = given;
      if (typeof config === 'object' && config !== null && 'text' in config) this.#note(String(config.text));
      return query(...given);
    };
    client.query = watched as typeof client.query;
  }

  begin(): void {
    this.#texts.clear();
  }

  get statements(): readonly string[] {
    return [...this.#texts];
  }

  #note(text: string): void {
    if (this.#texts.size < MOST && !/^\s*(?:begin|commit|rollback|savepoint|release|set|show)\b/i.test(text))
      this.#texts.add(text.slice(0, LONGEST));
  }
}

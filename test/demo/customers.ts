/** What a client knows of a customer: what the database last acknowledged. */
export interface Customer {
  readonly id: number;
  email: string;
  name: string;
  country: string;
}

/**
 * The record that the clients keep together: of each customer that they made, what was last acknowledged. A client that
 * writes one takes it out first, so that nobody else does meanwhile; what comes back is what has to stand in the table.
 */
export class CustomerBook {
  readonly #idle: Customer[] = [];
  readonly #deleted: number[] = [];
  /** Acknowledged upserts by key: each adds one visit. */
  readonly visits = new Map<string, number>();
  writes = 0;

  /** Takes some customers out, at random; fewer when there are not that many. */
  take(count: number, random: () => number): Customer[] {
    const taken: Customer[] = [];
    while (taken.length < count && this.#idle.length > 0) {
      const index = Math.floor(random() * this.#idle.length);
      const customer = this.#idle[index];
      const last = this.#idle.pop();
      if (customer && last && customer !== last) this.#idle[index] = last;
      if (customer) taken.push(customer);
    }
    return taken;
  }

  putBack(customers: readonly Customer[]): void {
    this.#idle.push(...customers);
  }

  delete(customer: Customer): void {
    this.#deleted.push(customer.id);
  }

  visited(email: string): void {
    this.visits.set(email, (this.visits.get(email) ?? 0) + 1);
  }

  get customers(): readonly Customer[] {
    return this.#idle;
  }

  get deleted(): readonly number[] {
    return this.#deleted;
  }
}

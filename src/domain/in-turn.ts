/** The results of an asynchronous function for each item, one after the other: a connection runs one query at a time. */
export async function mapInTurn<T, R>(items: Iterable<T>, body: (item: T, place: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await body(item, results.length));
  return results;
}

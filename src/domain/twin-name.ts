import { deriveName, shortHash } from './identifier.ts';

const TWIN = '_triphase';

/** The name of a twin, derived from that of the original, which it gets in phase 3. */
export function twinName(name: string): string {
  return deriveName(name, TWIN);
}

/** Whether it is the name of a twin. */
export function isTwinName(name: string): boolean {
  return name.endsWith(TWIN);
}

/**
 * The name that an object of a partition gets, from its counterpart on the other column: the twin's of an original, the
 * original's of a twin. A twin's that had to be cut cannot be given back, and gets a name of its own.
 */
export function counterpartName(counterpart: string | null, partition: string, parent: string): string {
  if (counterpart === null) return deriveName(`${parent}_${shortHash(partition)}`, '');
  return isTwinName(counterpart) ? counterpart.slice(0, -TWIN.length) : twinName(counterpart);
}

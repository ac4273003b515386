import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A stack is taken for each of the first reads; later only so many a second, so that loops over many rows stay fast. */
const AT_ONCE = 1_000;
const PER_SECOND = 100;
/** How many reads pass before the clock is asked again. */
const CLOCK_EVERY = 64;
/** Frames above the application's own: the accessor, and a few of libraries. */
const DEPTH = 10;

/** A line of the application's code, such as `/app/src/users.ts:12:8`. */
export type Place = string;

const ownFolder = new URL('.', import.meta.url).href;

/** Tells of each place once. */
export class Places {
  readonly #known = new Set<string>();
  readonly #tell: (what: string, place: Place) => void;
  #left = AT_ONCE;
  #skipped = 0;
  #filled = Date.now();

  constructor(tell: (what: string, place: Place) => void) {
    this.#tell = tell;
  }

  /** The application is doing something at this moment. @param what tells apart what it does. */
  note(what: string): void {
    if (this.#left <= 0 && (++this.#skipped % CLOCK_EVERY !== 0 || !this.#refill())) return;
    this.#left -= 1;
    const place = callingPlace();
    if (place === null) return;
    const key = `${what} ${place}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#tell(what, place);
  }

  #refill(): boolean {
    const tokens = Math.floor(((Date.now() - this.#filled) * PER_SECOND) / 1_000);
    if (tokens === 0) return false;
    this.#filled = Date.now();
    this.#left = Math.min(AT_ONCE, tokens);
    return true;
  }
}

/** The first frame that is neither of Node, of a library, nor of triphase; null where a row as a whole is copied or printed. */
function callingPlace(): Place | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  for (const frame of frames) {
    if (frame.includes(ownFolder) || frame.includes(fileURLToPath(ownFolder))) continue;
    if (frame.includes('(<anonymous>)')) return null;
    if (frame.includes('node:') || frame.includes(`${sep}node_modules${sep}`)) return null;
    const place = /\(?((?:file:\/\/)?\/?[^()]*:\d+:\d+)\)?$/.exec(frame.trim().replace(/^at (?:async )?/, ''))?.[1];
    return place?.startsWith('file://') ? place.replace(/^file:\/\//, '') : (place ?? null);
  }
  return null;
}

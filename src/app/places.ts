import { fileURLToPath } from 'node:url';
import type { Place } from './index.ts';

/** Places that are looked up at once; later only so many a second, so that loops over many rows stay fast. */
const AT_ONCE = 1_000;
const PER_SECOND = 1_000;
/** How many reads pass before the clock is asked again. */
const CLOCK_EVERY = 64;
/** Frames between the application and what it reads: those of libraries that read for it. */
const DEPTH = 25;

/** The function that is called where something happens: frames up to it are not the application's. */
export type Boundary = () => unknown;

/** Tells of each place once. */
export class Places {
  readonly #sites = new Set<string>();
  readonly #known = new Set<string>();
  readonly #tell: (what: string, place: Place) => void;
  #left = AT_ONCE;
  #skipped = 0;
  #filled = Date.now();

  constructor(tell: (what: string, place: Place) => void) {
    this.#tell = tell;
  }

  /** The application is doing something at this moment. @param what tells apart what it does. */
  note(what: string, boundary: Boundary): void {
    if (this.#left <= 0 && (++this.#skipped % CLOCK_EVERY !== 0 || !this.#refill())) return;
    this.#left -= 1;
    const site = callingSite(boundary);
    if (site === null || this.#sites.has(`${what} ${site}`)) return;
    if (site !== A_LIBRARY) this.#sites.add(`${what} ${site}`);
    const place = callingPlace(boundary);
    if (place === null || this.#known.has(`${what} ${place}`)) return;
    this.#known.add(`${what} ${place}`);
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

/** A library has many callers, so that its own line tells nothing apart. */
const A_LIBRARY = '';

/**
 * What tells the calling line apart, without the cost of a whole stack: its position in the code that runs. Null where
 * the engine reads, since a row as a whole is copied or printed.
 */
function callingSite(boundary: Boundary): string | null {
  const frames = captured(1, boundary, (_error, sites) => sites) as NodeJS.CallSite[];
  const [frame] = frames;
  if (frame === undefined) return null;
  if (frame.isEval()) return A_LIBRARY;
  const file = frame.getFileName();
  if (!file) return null;
  return isLibrary(file) ? A_LIBRARY : `${file}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
}

/** The first frame that is neither of Node nor of a library, as source maps show it; null when there is none. */
function callingPlace(boundary: Boundary): Place | null {
  const own = Error.prepareStackTrace;
  let stack = captured(DEPTH, boundary, own);
  // An application may have stacks as it likes them.
  if (typeof stack !== 'string') stack = captured(DEPTH, boundary, undefined);
  const lines = String(stack).split('\n').slice(1);
  for (const line of lines) {
    const place = placeIn(line.trim());
    if (place !== null && !isLibrary(place)) return place;
  }
  return null;
}

/** @param prepare makes the stack of its frames; undefined for Node's own text. */
function captured(limit: number, boundary: Boundary, prepare: typeof Error.prepareStackTrace | undefined): unknown {
  const settings: { stackTraceLimit: number; prepareStackTrace?: typeof prepare } = Error;
  const { stackTraceLimit, prepareStackTrace } = settings;
  const holder: { stack?: unknown } = {};
  settings.stackTraceLimit = limit;
  settings.prepareStackTrace = prepare;
  try {
    Error.captureStackTrace(holder, boundary);
    // Made at the first look at it.
    return holder.stack;
  } finally {
    settings.stackTraceLimit = stackTraceLimit;
    settings.prepareStackTrace = prepareStackTrace;
  }
}

/** Of `at name (file:1:2)` or `at file:1:2`; null for code that stands in no file. */
function placeIn(frame: string): Place | null {
  const location = frame.endsWith(')') ? /^at .*? \((.*)\)$/.exec(frame)?.[1] : /^at (?:async )?(.*)$/.exec(frame)?.[1];
  if (location === undefined || location.includes('<anonymous>') || !/:\d+:\d+$/.test(location)) return null;
  if (!location.startsWith('file://')) return location;
  const [, url = '', position = ''] = /^(.*?)(:\d+:\d+)$/.exec(location) ?? [];
  return `${fileURLToPath(url)}${position}`;
}

const isLibrary = (file: string): boolean => file.startsWith('node:') || file.split(/[\\/]/).includes('node_modules');

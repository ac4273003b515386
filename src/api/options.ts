import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { OnEvent } from '../domain/events.ts';
import { DURATION_FORM, readDuration } from '../project/duration.ts';
import { problemOf, strict } from '../project/problems.ts';

const FORM = `takes ${DURATION_FORM}`;

const release = v.string('takes a version such as 1.2.0');
const duration = v.pipe(
  v.union([v.string(), v.number()], FORM),
  v.check((value) => readDuration(value) !== null, FORM),
  v.transform((value) => readDuration(value) ?? 0),
);
const isFunction = v.custom<OnEvent>((value) => typeof value === 'function', 'takes a function');

/** What every function takes. */
const common = {
  cwd: v.optional(v.string()),
  config: v.optional(v.string()),
  databaseUrl: v.optional(v.string()),
  env: v.optional(v.record(v.string(), v.optional(v.string()))),
  onEvent: v.optional(isFunction),
};
const stragglerWindow = v.optional(duration);
const run = v.pipe(
  strict({
    ...common,
    stragglerWindow,
    release: v.optional(release),
    maintenance: v.optional(v.boolean(), false),
    slowRoll: v.optional(v.boolean(), false),
    runBaseline: v.optional(v.boolean(), false),
    running: v.optional(release),
  }),
  v.forward(
    v.check(({ maintenance, running }) => !maintenance || running === undefined, 'goes without maintenance'),
    ['running'],
  ),
);

const whole = v.pipe(v.number(), v.integer(), v.minValue(1));

/** The options of each function, as they are read. */
export const OPTIONS = {
  migrate: run,
  dryRun: run,
  finish: strict({ ...common, stragglerWindow }),
  rollback: strict({ ...common, steps: v.optional(whole, 1), to: v.optional(v.string()) }),
  plan: strict({
    ...common,
    from: v.optional(release),
    to: v.optional(release),
    maintenance: v.optional(v.boolean(), false),
  }),
  status: strict({ ...common, release: v.optional(release), count: v.optional(v.boolean(), false) }),
  wait: strict({ ...common, release: v.optional(release), timeout: v.optional(duration, 60) }),
};

/** @throws PH1032 for what a function does not take: an option that is misspelt would be taken for one that was left out. */
export function read<K extends keyof typeof OPTIONS>(call: K, given: unknown): v.InferOutput<(typeof OPTIONS)[K]> {
  const result = v.safeParse(OPTIONS[call], given);
  if (result.success) return result.output as v.InferOutput<(typeof OPTIONS)[K]>;
  throw new PhaseError('PH1032', {
    call,
    problems: result.issues.map(problemOf).map((text) => text.replace(/^the file: /, '')),
  });
}

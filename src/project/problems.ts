import * as v from 'valibot';

/** An object with these keys and no others; each key that it should not have is a problem of its own. */
export function strict<const E extends v.ObjectEntries>(entries: E) {
  type Given = v.InferInput<v.ObjectSchema<E, undefined>>;
  return v.pipe(
    // To JavaScript a list is an object without keys.
    v.custom<Given>((given) => !Array.isArray(given), 'takes keys with their values, and no list'),
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const given: unknown = dataset.value;
      if (typeof given !== 'object' || given === null) return;
      for (const [key, value] of Object.entries(given).filter(([name]) => !Object.hasOwn(entries, name))) {
        addIssue({ message: UNKNOWN, path: [{ type: 'object', origin: 'key', input: { ...given }, key, value }] });
      }
    }),
    v.transform((value) => value as v.InferOutput<v.ObjectSchema<E, undefined>>),
  );
}

const UNKNOWN = 'is not a key';

/** A problem as a sentence that begins with the key. */
export function problemOf({ path, message }: v.BaseIssue<unknown>): string {
  const at = (path ?? []).map(({ key }) => String(key)).join('.');
  if (message === UNKNOWN) return `${at} ${UNKNOWN}`;
  return `${at === '' ? 'the file' : at}: ${message}`;
}

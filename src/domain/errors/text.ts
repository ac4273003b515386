/** The exit codes of the command line; their meaning is fixed in docs/cli.md. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** The text of one code. A code without all of these does not compile. */
interface ErrorText<D> {
  readonly exit: ExitCode;
  /** One line for the list of codes. */
  readonly title: string;
  what(details: D): string;
  why(details: D): string;
  remedy(details: D): string;
}

export type ErrorTexts<E> = { readonly [C in keyof E]: ErrorText<E[C]> };

/** How many of a list a sentence shows; the details of an error hold all. */
const SHOWN = 10;

/** The first of a list, and how many more there are. */
export function someOf(list: readonly string[], separator = '; '): string {
  const rest = list.length - SHOWN;
  return list.slice(0, SHOWN).join(separator) + (rest > 0 ? ` and ${rest} more` : '');
}

/** Names that somebody may have meant. */
export const closest = (names: readonly string[]): string =>
  names.length === 0 ? 'Nothing there has a similar name.' : `Close to it: ${names.join(', ')}.`;

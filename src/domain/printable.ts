/**
 * Characters that a terminal obeys, or that turn the direction of what follows: names of tables, columns, files and sessions may hold any. New lines and
 * tabs are what texts are made of.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text as it may go to a terminal: what that would obey is shown as in JSON, `\u001b`. */
export function printable(text: string): string {
  return text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

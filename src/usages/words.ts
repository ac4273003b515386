import { camelToSnake } from '../domain/words.ts';

/** Words by which code calls a table: `users`, `user`, `Users`, `User`, `usersTable`, `UserModel`. */
export function wordsOf(table: string): ReadonlySet<string> {
  const snake = camelToSnake(table);
  const forms = [snake, singular(snake)];
  const words = new Set<string>([table]);
  for (const form of forms) {
    const parts = form.split('_').filter((part) => part !== '');
    const pascal = parts.map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}`).join('');
    const camel = `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}`;
    for (const word of [
      form,
      pascal,
      camel,
      `${camel}Table`,
      `${pascal}Table`,
      `${pascal}Model`,
      `${pascal}Entity`,
      `${pascal}Row`,
      `${pascal}Schema`,
      `${pascal}Record`,
      `${pascal}Repository`,
      `${camel}Repository`,
    ])
      words.add(word);
  }
  return words;
}

/** As English mostly has it; irregular ones are named by their table. */
function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:ss|x|ch|sh|z)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

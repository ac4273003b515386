import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { repository } from './bookshop.ts';

const src = join(repository, 'src');

/** What one file imports, statically or when it is called. */
export interface Import {
  /** Relative to `src`. */
  readonly file: string;
  readonly from: string;
  /** Only types, which nothing is loaded for. */
  readonly types: boolean;
}

/** Every file of `src`, with its whole path. */
export const files = walk(src);

export const imports: readonly Import[] = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:^(?:import|export)\b( type)?[^;]*?from |\bimport\()'([^']+)'/gms)].map(
    ([, type, from = '']) => ({ file: relative(src, file), from, types: type !== undefined }),
  ),
);

/** The folder of `src`, or the file beside them, that an import leads to; null for a package. */
export function targetOf({ file, from }: Import): string | null {
  if (!from.startsWith('.')) return null;
  return relative(src, join(src, dirname(file), from)).split('/')[0] ?? null;
}

/** Which folders each folder imports, types alone left out. */
export function arrows(): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = readdirSync(src).filter((name) => statSync(join(src, name)).isDirectory());
  const found = new Map(folders.map((folder) => [folder, new Set<string>()]));
  for (const one of imports) {
    const [folder = ''] = one.file.split('/');
    const target = targetOf(one);
    if (target !== null && target !== folder && !one.types && found.has(target)) found.get(folder)?.add(target);
  }
  return found;
}

/**
 * The folders as Mermaid draws them, from those that everything stands on upwards; an arrow that others imply is left out.
 * @throws where folders import each other in a circle.
 */
export function structureMermaid(): string {
  const all = arrows();
  const reach = new Map<string, ReadonlySet<string>>();
  const reachOf = (folder: string, above: readonly string[] = []): ReadonlySet<string> => {
    if (above.includes(folder)) throw new Error(`${[...above, folder].join(' -> ')} is a circle.`);
    const known = reach.get(folder);
    if (known) return known;
    const own = [...(all.get(folder) ?? [])];
    const found = new Set(own.flatMap((next) => [next, ...reachOf(next, [...above, folder])]));
    reach.set(folder, found);
    return found;
  };
  const lines = [...all.keys()].sort().flatMap((folder) => {
    reachOf(folder);
    const own = [...(all.get(folder) ?? [])];
    const direct = own.filter((next) => !own.some((other) => other !== next && reachOf(other).has(next)));
    return direct.sort().map((next) => `  ${folder} --> ${next}`);
  });
  return ['flowchart TD', ...lines].join('\n');
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

import type { Finding } from '../domain/finding.ts';
import type { Manifest } from '../domain/manifest.ts';

/** A branch whose migrations do not come after those of the base, or that lacks some of them. */
export function checkBase(
  base: string,
  bases: readonly Manifest[],
  own: readonly { readonly file: string; readonly manifest: Manifest }[],
): Finding[] {
  const inBase = bases.flatMap(({ migrations }) => migrations.map(({ id }) => id));
  const here = new Set(own.flatMap(({ manifest }) => manifest.migrations.map(({ id }) => id)));
  const known = new Set(inBase);
  // What a baseline stands for is not missing.
  const replaced = new Set(own.flatMap(({ manifest }) => replacedBy(manifest)));
  const missing = inBase.filter((id) => !here.has(id) && !replaced.has(id));
  const last =
    inBase
      .filter((id) => /^\d{14}_/.test(id))
      .sort()
      .at(-1) ?? '';
  const merge = `git merge ${base}, or git rebase ${base}; then phase rebase --base ${base}.`;
  const of = (code: string, file: string | null, message: string, remedy: string): Finding => ({
    code,
    severity: 'error',
    file,
    line: null,
    message,
    remedy,
  });
  const behind =
    missing.length === 0
      ? []
      : [of('behind_base', null, `${base} has migrations that this branch lacks: ${missing.join(', ')}.`, merge)];
  const late = own.flatMap(({ file, manifest }) => {
    const isBaseline = replacedBy(manifest).some((id) => known.has(id));
    const added = isBaseline ? [] : manifest.migrations.filter(({ id }) => !known.has(id));
    const cut = bases.some(({ release, state }) => release === manifest.release && state === 'released');
    return added.flatMap(({ id }) => {
      if (cut)
        return [
          of(
            'base_released',
            file,
            `${base} has released ${manifest.release}, and this branch adds ${id} to it.`,
            merge,
          ),
        ];
      if (/^\d{14}_/.test(id) && id < last)
        return [
          of(
            'before_base',
            file,
            `${id} runs before ${last} of ${base} in a fresh database, and after it where that has run.`,
            `phase rebase --base ${base}`,
          ),
        ];
      return [];
    });
  });
  return [...behind, ...late];
}

const replacedBy = ({ replaces = [], earlier = [] }: Manifest): readonly string[] => [
  ...replaces,
  ...earlier.flatMap((baseline) => baseline.replaces),
];

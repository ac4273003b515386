import type { Project } from '../project/config.ts';
import { folders } from '../project/folders.ts';
import { parseSource, type Source } from '../sources/source.ts';

/** The schema that the project wants: as `--to` gives it, as the configuration does, or what phase dump wrote. */
export function wantedSource({ config }: Project, given?: string): Source {
  if (given !== undefined) return parseSource(given, '--to');
  return config.wantedSchema === undefined
    ? { kind: 'file', file: folders.structure }
    : parseSource(config.wantedSchema, 'wantedSchema');
}

import type { IndexFacts, UniqueFacts } from '../../domain/facts.ts';
import { quoteQualified } from '../../domain/identifier.ts';
import { type Code, call } from '../code.ts';
import type { Renaming } from '../renaming.ts';

/** An index to build, by which of its definitions and under which name; on partitions it is named after its counterpart there. */
export interface Build {
  readonly name: string;
  readonly definition: string;
  readonly counterpart: string;
}

/** An index as calls take it. */
export function indexOptions(renaming: Renaming, index: IndexFacts, { name, definition, counterpart }: Build) {
  const { on, unique, tablespace, comment, statistics } = index;
  return {
    name,
    on: quoteQualified(on),
    definition,
    ...(unique ? { unique } : {}),
    ...(tablespace === null ? {} : { tablespace }),
    ...(comment === null ? {} : { comment }),
    ...(Object.keys(statistics).length === 0 ? {} : { statistics }),
    ...(renaming.isPartitioned(on) ? { like: counterpart } : {}),
  };
}

export function createIndex(renaming: Renaming, index: IndexFacts, build: Build): Code {
  return call('createIndex', indexOptions(renaming, index, build));
}

/** DEFERRABLE and INITIALLY DEFERRED, as calls take them. */
export function timingOf({ deferrable, initiallyDeferred }: UniqueFacts): {
  deferrable?: true;
  initiallyDeferred?: true;
} {
  return { ...(deferrable ? { deferrable } : {}), ...(initiallyDeferred ? { initiallyDeferred } : {}) };
}

import type { GuardedKey, IndexFacts } from '../../domain/facts.ts';

/** What a unique index keeps unique, checked at once; null for any other. */
export function guardOf(index: IndexFacts & { readonly deferrable?: boolean }): GuardedKey | null {
  return index.unique && index.deferrable !== true && index.keys.length > 0 ? index : null;
}

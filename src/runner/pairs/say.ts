import type { CoveredChild } from './children.ts';
import type { DroppedTwin } from './dropped.ts';
import type { FollowedChange } from './pair.ts';

/** What was followed, as a sentence for whoever runs phase. */
export function sayFollowed({ rename, attribute, column, other }: FollowedChange): string {
  const what = attribute === 'not null' ? 'NOT NULL' : attribute;
  return `${rename}: ${what} of ${column} was altered; ${other} follows until phase 3, so that no write of a living release is lost.`;
}

/** What was dropped since its original was. */
export function sayDropped({ rename, kind, name, twin }: DroppedTwin): string {
  return `${rename}: the ${kind} ${name} of the old column was dropped, and with it ${twin}, its counterpart on the new one.`;
}

/** Which table has inherited a column that is being renamed. */
export function sayCovered({ rename, child }: CoveredChild): string {
  return `${rename}: ${child} inherits the columns and has got the triggers of their sync, so that no write of a living release is lost.`;
}

import type { Own } from './sides.ts';

const STAMP = /^(\d{14})_/;

/** New ids for those that would run before something of the base; in the order that they have. */
export function renumber(own: readonly Own[], inBase: readonly string[]): Map<string, string> {
  const last = Math.max(0, ...inBase.map((id) => Number(STAMP.exec(id)?.[1] ?? 0)));
  const numbered = new Map<string, string>();
  const ids = [...new Set(own.map(({ entry }) => entry.id))].filter((id) => STAMP.test(id)).sort();
  const first = ids.findIndex((id) => Number(STAMP.exec(id)?.[1]) <= last);
  if (first === -1) return numbered;
  let stamp = last;
  for (const id of ids) {
    const given = Number(STAMP.exec(id)?.[1]);
    stamp = given > stamp ? given : nextStamp(stamp);
    if (stamp !== given) numbered.set(id, `${stamp}${id.slice(14)}`);
  }
  return numbered;
}

/** A second later. */
function nextStamp(stamp: number): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(String(stamp)) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Numbers that are no times are counted on.
  if (!Number.isFinite(time)) return stamp + 1;
  return Number(new Date(time + 1_000).toISOString().replaceAll(/\D/g, '').slice(0, 14));
}

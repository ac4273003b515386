import { quoteLiteral } from '../domain/identifier.ts';

/** A comment that an original has got since its twin was made, for what takes its name. */
export function commenting(object: string, comment: string | null, twins: string | null): string[] {
  return comment === null || comment === twins ? [] : [`COMMENT ON ${object} IS ${quoteLiteral(comment)}`];
}

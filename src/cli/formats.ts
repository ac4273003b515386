import { PhaseError } from '../domain/errors/phase-error.ts';

/** How a plan can be shown. */
export const PLAN_FORMATS = ['text', 'json', 'mermaid', 'html'] as const;
/** How a status can be shown. */
export const STATUS_FORMATS = ['text', 'json', 'openmetrics'] as const;
export type StatusFormat = (typeof STATUS_FORMATS)[number];
export type PlanFormat = (typeof PLAN_FORMATS)[number];

/** The format of a name, and of no name that every object has. @throws PH1015 */
export function formatNamed<T>(formats: Readonly<Record<string, T>>, name: string): T {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined) return format;
  throw new PhaseError('PH1015', { what: '--format', value: name, allowed: Object.keys(formats).join(', ') });
}

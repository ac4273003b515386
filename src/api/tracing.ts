import type { Attributes, Context } from '@opentelemetry/api';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { RunEvent } from '../domain/events.ts';
import type { Trace } from '../domain/trace.ts';
import { toolVersion } from '../ledger/tool-version.ts';
import type { Opened } from './project.ts';

/**
 * The same, with a span of OpenTelemetry for the command, each migration and each gate, where the process has an SDK. Within a
 * span it is the active one, so that those of pg and of the application's own code hang below it.
 */
export async function traced(opened: Opened): Promise<Opened> {
  if (!hasSdk()) return opened;
  const api = await import('@opentelemetry/api').catch(() => null);
  if (api === null) return opened;
  const tracer = api.trace.getTracer('triphase', toolVersion());
  const parent = (): Context => {
    const active = api.context.active();
    if (api.trace.getSpan(active) !== undefined) return active;
    // What started the process may be traced itself, as a pipeline is.
    const { TRACEPARENT: traceparent, TRACESTATE: tracestate } = opened.env;
    return api.propagation.extract(active, { traceparent, tracestate });
  };
  const trace: Trace = ({ name, attributes }, body) =>
    tracer.startActiveSpan(name, { attributes }, parent(), async (span) => {
      try {
        return await body();
      } catch (error) {
        const known = error instanceof PhaseError ? error.code : 'unknown';
        span.setAttribute('error.type', known);
        span.recordException(error as Error);
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: (error as Error).message });
        throw error;
      } finally {
        span.end();
      }
    });
  const onEvent = (event: RunEvent): void => {
    const told = spanEvent(event);
    if (told !== null) api.trace.getActiveSpan()?.addEvent(`triphase.${event.type}`, told);
    opened.onEvent(event);
  };
  return { ...opened, trace, onEvent };
}

/** By what an SDK registers itself with, of any major version; without one there is nobody to tell, and nothing is loaded. */
function hasSdk(): boolean {
  return Object.getOwnPropertySymbols(globalThis).some(({ description }) =>
    description?.startsWith('opentelemetry.js.api.'),
  );
}

/** What a span says of an event that is no piece of work itself; null for the others. */
function spanEvent(event: RunEvent): Attributes | null {
  switch (event.type) {
    case 'waitingForLock':
      return { 'triphase.lock.holder': event.holder };
    case 'held':
      return { 'triphase.migration.id': event.id };
    case 'lockRetry':
      return { 'triphase.lock.attempt': event.attempt, 'triphase.lock.blockers': [...event.blockers] };
    case 'log':
    case 'notice':
      return { 'triphase.message': event.message };
    default:
      return null;
  }
}

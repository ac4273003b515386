import { quoteIdent, quoteLiteral, quoteQualified } from '../../domain/identifier.ts';
import { converted, differs, isUnfilled, outOfStep, type Rename, type Retype } from '../../domain/rename.ts';
import { guardKey, namesAt, runsAsOwner, type SyncFacts, type SyncPlace } from '../rename/sync.ts';

/** What the templates of a retype's functions and triggers are filled with. Every field is SQL or a plain fact. */
export interface RetypeView {
  readonly rename: string;
  readonly phase: 1 | 2;
  readonly functionName: string;
  readonly triggerName: string;
  readonly table: string;
  readonly tableLiteral: string;
  /** The column that releases write, of the one type in the first phase and of the other one in the second, and the one that follows it. */
  readonly source: string;
  readonly target: string;
  /** What the target is. */
  readonly value: string;
  readonly mayFail: boolean;
  /** In the second phase, what a statement that names no columns means for the source; else empty. */
  readonly given: string;
  /** Where an error of the conversion begins: which change it is of. */
  readonly failure: string;
  /** True where the function has anything to do; empty where its trigger's condition has said so. */
  readonly needed: string;
  readonly guards: readonly string[];
  readonly runsAsOwner: boolean;
  readonly events: string;
  readonly when: string;
}

/** What keeps the other column in step with the one that releases write: in the first phase the new one, in the second the old one, for a way back. */
export function retypeView(
  facts: SyncFacts,
  change: Rename & { readonly retype: Retype },
  phase: 1 | 2,
  place: SyncPlace,
): RetypeView {
  const { functionName, triggerName } = namesAt(change, place, phase);
  const { table, from, to, retype, name } = change;
  const [source, target] = [`NEW.${quoteIdent(from)}`, `NEW.${quoteIdent(to)}`];
  const conversion = phase === 1 ? retype.forward : retype.back;
  const [sourceType, targetType] = phase === 1 ? [change.type, retype.type] : [retype.type, change.type];
  const isMissing = isUnfilled(target, source);
  const isCheap = isCheaplyCompared(facts.column, change);
  const [old, fresh] = phase === 1 ? [source, target] : [target, source];
  const sourceChanged = differs(source, `OLD.${quoteIdent(from)}`, phase === 1 ? change.byteEqual : retype.byteEqual);
  const needed = ["TG_OP = 'INSERT'", ...(phase === 1 ? [isMissing] : []), sourceChanged].join(' OR ');
  return {
    rename: name,
    phase,
    functionName: quoteQualified({ schema: table.schema, name: functionName }),
    triggerName: quoteIdent(triggerName),
    table: quoteQualified(table),
    tableLiteral: quoteLiteral(quoteQualified(table)),
    source,
    target,
    value: converted(conversion, source),
    mayFail: conversion.mayFail && !(phase === 1 && retype.onError !== undefined),
    given: phase === 1 ? '' : converted(retype.forward, target),
    failure: quoteLiteral(`${from} cannot become ${targetType}, as ${name} makes of ${sourceType}: `),
    needed: isCheap && phase === 1 ? '' : needed,
    guards: phase === 1 ? facts.keys.map((key) => guardKey(facts, key)) : [],
    runsAsOwner: runsAsOwner(facts, change),
    events:
      place === 'moved' ? 'UPDATE' : `INSERT OR UPDATE${change.sync.moved === null ? '' : ` OF ${quoteIdent(from)}`}`,
    when: place === 'moved' ? isMissing : isCheap ? outOfStep(change, old, fresh) : '',
  };
}

/** Whether a trigger's condition may compute the new value for every update of the table: it costs little, and cannot fail. */
export function isCheaplyCompared(
  { toastable }: Pick<SyncFacts['column'], 'toastable'>,
  { retype }: Pick<Rename, 'retype'>,
): boolean {
  return retype !== null && !retype.forward.mayFail && !toastable;
}

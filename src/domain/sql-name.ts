import { type QualifiedName, quoteIdent } from './identifier.ts';

/** A name as people write it in SQL: in quotes only where it needs them. Words that SQL keeps for itself are not told. */
export const sqlIdent = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteIdent(name));

export const sqlName = ({ schema, name }: QualifiedName): string => `${sqlIdent(schema)}.${sqlIdent(name)}`;

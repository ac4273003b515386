import type { AttributeKind } from '../kind.ts';

/** What all attributes of the column have in common: one stands for that of the table and of its partitions, and the gate compares them by themselves. */
export function ofColumn<N extends string>(name: N): Omit<AttributeKind<N>, 'steps'> {
  return {
    name,
    carried: 'with the column',
    noun: name,
    heading: name,
    place: 'table',
    family: name,
    read: async ({ names, table: { schema, name: table } }) => ({
      objects: [{ name: names.from, on: { schema, name: table } }],
      refused: [],
    }),
    hanging: async () => [],
  };
}

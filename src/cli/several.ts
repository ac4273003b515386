/** For a flag that may be given several times: each time another value. */
export const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

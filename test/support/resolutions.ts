/** How TypeScript finds types: moduleResolution, module, and the type of the package that is compiled. */
export const RESOLUTIONS = [
  ['node10', 'commonjs', 'commonjs'],
  ['node16', 'node16', 'commonjs'],
  ['node16', 'node16', 'module'],
  ['nodenext', 'nodenext', 'commonjs'],
  ['nodenext', 'nodenext', 'module'],
  ['bundler', 'esnext', 'module'],
] as const;

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }],
  },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['default', 'summary', '<rootDir>/test/support/count-reporter.mjs'],
  testTimeout: 60_000,
  maxWorkers: 2,
  // One whose memory has grown by what test files leave behind takes longer to end than Jest waits.
  workerIdleMemoryLimit: '600MB',
  watchPathIgnorePatterns: ['<rootDir>/.phase', '<rootDir>/dist'],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
};

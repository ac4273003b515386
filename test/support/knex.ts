import knexPackage from 'knex';

/** `knex` is CommonJS; under ES modules its function is the default export, typed as a namespace. */
export const makeKnex = knexPackage as unknown as typeof knexPackage.default;

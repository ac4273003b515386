const NAMES = 'nextval|random|gen_random_uuid|uuid_generate_v\\w+|uuidv[47]|clock_timestamp|timeofday';
const NAME = new RegExp(`^(?:${NAMES})$`);
const CALL = new RegExp(`\\b(?:${NAMES})\\(`, 'i');

/** Whether a function of that name gives another value in each row, so that a default by it has PostgreSQL write the whole table anew. */
export const isVolatile = (name: string): boolean => NAME.test(name);

/** Whether an expression, as PostgreSQL writes it, calls such a function. */
export const callsVolatile = (expression: string): boolean => CALL.test(expression);

/** How a release writes customers: the same values, in the columns and tables that it knows. Each is SQL, with its parameters in the order that is said. */
export interface Dialect {
  /** The column with the address. */
  readonly email: 'email' | 'email_address';
  /** Up to its WHERE: id, email, name and country of customers `c`. */
  readonly select: string;
  /** $1 email, $2 name, $3 country; gives the id. */
  readonly insert: string;
  /** $1 id, $2 email. */
  readonly updateEmail: string;
  /** $1 id, $2 name. */
  readonly updateName: string;
  /** $1 id, $2 email, $3 name, $4 country. */
  readonly updateAll: string;
  /** $1 emails; each is inserted, or has one visit more. */
  readonly upsert: string;
  /** $1 emails, of customers called Bulk; gives id and email. */
  readonly insertMany: string;
  /** $1 ids, $2 emails, $3 names. */
  readonly updateMany: string;
}

interface Columns {
  readonly email: Dialect['email'];
  /** The columns with the name, and what they are of a name. */
  readonly name: readonly string[];
  nameOf(value: string): readonly string[];
  /** The name of customers `c`. */
  readonly readName: string;
  readonly hasProfiles: boolean;
}

function dialectOf({ email, name, nameOf, readName, hasProfiles }: Columns): Dialect {
  const names = name.join(', ');
  const valuesOf = (value: string): string => nameOf(value).join(', ');
  const setName = (value: string): string => name.map((column, at) => `${column} = ${nameOf(value)[at]}`).join(', ');
  const country = hasProfiles ? '' : ', country';
  return {
    email,
    select: `SELECT c.id, c.${email} AS email, ${readName} AS name, ${hasProfiles ? 'p' : 'c'}.country FROM customers c${hasProfiles ? ' JOIN profiles p ON p.customer_id = c.id' : ''}`,
    insert: withProfile(
      `INSERT INTO customers (${email}, ${names}${country}) VALUES ($1, ${valuesOf('$2::text')}${hasProfiles ? '' : ', $3'}) RETURNING id`,
      hasProfiles ? '$3' : null,
    ),
    updateEmail: `UPDATE customers SET ${email} = $2 WHERE id = $1`,
    updateName: `UPDATE customers SET ${setName('$2::text')} WHERE id = $1`,
    updateAll: `${hasProfiles ? 'WITH p AS (UPDATE profiles SET country = $4 WHERE customer_id = $1) ' : ''}UPDATE customers SET ${email} = $2, ${setName('$3::text')}${hasProfiles ? '' : ', country = $4'} WHERE id = $1`,
    upsert: `INSERT INTO customers (${email}, ${names}, visits) SELECT key, ${valuesOf("'Contended'")}, 1 FROM unnest($1::text[]) AS key
       ON CONFLICT (${email}) DO UPDATE SET visits = customers.visits + 1`,
    insertMany: withProfile(
      `INSERT INTO customers (${email}, ${names}) SELECT email, ${valuesOf("'Bulk'")} FROM unnest($1::text[]) AS email RETURNING id, ${email} AS email`,
      hasProfiles ? "'GB'" : null,
    ),
    updateMany: `UPDATE customers SET ${email} = changed.email, ${setName('changed.name')}
       FROM unnest($1::bigint[], $2::text[], $3::text[]) AS changed(id, email, name) WHERE customers.id = changed.id`,
  };
}

/** Both rows in one statement, as a release writes them whose country is in the profile. */
function withProfile(insert: string, country: string | null): string {
  if (country === null) return insert;
  return `WITH c AS (${insert}), p AS (INSERT INTO profiles (customer_id, country) SELECT id, ${country} FROM c) SELECT * FROM c`;
}

const whole = {
  email: 'email',
  name: ['name'],
  nameOf: (value: string) => [value],
  readName: 'c.name',
  hasProfiles: false,
} as const;

export const PLAIN = dialectOf(whole);
export const RENAMED = dialectOf({ ...whole, email: 'email_address' });
export const SPLIT = dialectOf({
  ...whole,
  name: ['first_name', 'last_name'],
  nameOf: (value) => [`split_part(${value}, ' ', 1)`, `substr(${value}, length(split_part(${value}, ' ', 1)) + 2)`],
  readName: "CASE c.last_name WHEN '' THEN c.first_name ELSE c.first_name || ' ' || c.last_name END",
});
export const MOVED = dialectOf({ ...whole, hasProfiles: true });

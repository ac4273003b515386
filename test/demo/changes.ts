import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/bookshop.ts';
import { type Dialect, MOVED, PLAIN, RENAMED, SPLIT } from './dialect.ts';

/** What the demo changes in three releases, under traffic. */
export interface DemoChange {
  /** The project that is deployed. */
  readonly root: string;
  /** Commands before 1.0.0 is deployed. */
  readonly beforehand: readonly (readonly string[])[];
  /** Commands that write the change, once 1.0.0 is deployed; none where it is in the project already. */
  readonly scaffolding: readonly (readonly string[])[];
  /** How a release writes customers. */
  dialectOf(release: string): Dialect;
  /** What the end is compared with: the same by hand, on a copy without traffic. */
  readonly byHand: string;
  /** What that is called, for the closing line. */
  readonly equals: string;
  remove(): void;
}

/** The bookshop as it is in the repository: `customers.email` becomes `email_address`. */
const rename = (): DemoChange => ({
  root: repository,
  beforehand: [],
  scaffolding: [],
  dialectOf: (release) => (release < '1.2.0' ? PLAIN : RENAMED),
  byHand: 'ALTER TABLE customers RENAME COLUMN email TO email_address',
  equals: 'ALTER TABLE RENAME COLUMN',
  remove: () => undefined,
});

const FIRST = '20260901';
const FIRST_RELEASE = 'db/releases/1.0.0.yml';

/** A bookshop of its own, as it was with 1.0.0, in a temporary folder. */
function firstBookshop(): { readonly root: string; edit(path: string, change: (text: string) => string): void } {
  const root = mkdtempSync(join(tmpdir(), 'triphase-demo-'));
  const isOfFirst = (path: string): boolean => {
    const name = path.slice(repository.length + 1);
    return (
      !/\.\w+$/.test(name) ||
      name === FIRST_RELEASE ||
      name.includes(FIRST) ||
      /(touch_updated_at|customers_touch)_/.test(name)
    );
  };
  for (const folder of ['data', 'functions', 'migrate', 'releases', 'triggers']) {
    cpSync(join(repository, 'db', folder), join(root, 'db', folder), { recursive: true, filter: isOfFirst });
  }
  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(join(root, path), change(readFileSync(join(root, path), 'utf8')));
  edit(FIRST_RELEASE, (text) => text.replace('state: released', 'state: open').replace(/^sum: .*\n/m, ''));
  writeFileSync(join(root, 'phase.config.mjs'), "export default { release: '1.0.0' };\n");
  return { root, edit };
}

/** The change that a command scaffolds into the three releases. */
const scaffolding = (command: string, ...flags: readonly string[]): DemoChange['scaffolding'] => [
  ['new', command, ...flags, '--releases', '1.1.0,1.2.0,1.3.0', '--yes'],
  ...['1.1.0', '1.2.0', '1.3.0'].map((release) => ['release', 'cut', release]),
];

const BEFOREHAND = [['hash'], ['release', 'cut', '1.0.0']] as const;
const remove = (root: string): void => rmSync(root, { recursive: true, force: true });

/** A bookshop that began with integer keys: `customers.id` becomes `bigint`, and so does `orders.customer_id` that references it. */
function retype(): DemoChange {
  const { root, edit } = firstBookshop();
  edit(`db/migrate/${FIRST}090000_create_bookshop.ts`, (text) =>
    text.replaceAll('bigIncrements', 'increments').replaceAll('bigInteger', 'integer'),
  );
  const flags = ['--table', 'customers', '--column', 'id', '--to-type', 'bigint', '--with-references', '--tolerated'];
  return {
    root,
    beforehand: BEFOREHAND,
    scaffolding: scaffolding('retype-column', ...flags),
    dialectOf: () => PLAIN,
    byHand: `ALTER TABLE customers ALTER COLUMN id TYPE bigint; ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
      ALTER SEQUENCE customers_id_seq AS bigint`,
    equals: 'ALTER TABLE ALTER COLUMN TYPE',
    remove: () => remove(root),
  };
}

/** What hangs on `name` and on `country`, and goes with them. */
const GOING = ['--drop', 'customers_country_email_idx', '--drop', 'customers_touch'];

/** `customers.name` becomes `first_name` and `last_name`. */
function split(): DemoChange {
  const { root } = firstBookshop();
  const into = [
    ...['--into', "first_name=split_part(name, ' ', 1)"],
    ...['--into', "last_name=substr(name, length(split_part(name, ' ', 1)) + 2)"],
    ...['--back', "CASE last_name WHEN '' THEN first_name ELSE first_name || ' ' || last_name END"],
  ];
  return {
    root,
    beforehand: BEFOREHAND,
    scaffolding: scaffolding('split-column', '--table', 'customers', '--from', 'name', ...into, ...GOING),
    dialectOf: (release) => (release < '1.2.0' ? PLAIN : SPLIT),
    byHand: `ALTER TABLE customers ADD COLUMN first_name text, ADD COLUMN last_name text; DROP TRIGGER customers_touch ON customers;
      ALTER TABLE customers DROP COLUMN name`,
    equals: 'ADD COLUMN and DROP COLUMN',
    remove: () => remove(root),
  };
}

/** `customers.country` moves to `profiles`, a table with a row for each customer. */
function move(): DemoChange {
  const { root } = firstBookshop();
  writeFileSync(
    join(root, `db/migrate/${FIRST}090200_create_profiles.sql`),
    `-- phase:up
CREATE TABLE profiles (customer_id bigint PRIMARY KEY REFERENCES customers ON DELETE CASCADE, about text);
INSERT INTO profiles (customer_id) SELECT id FROM customers;
-- phase:down
DROP TABLE profiles;
`,
  );
  const flags = [
    ...['--table', 'customers', '--column', 'country', '--to-table', 'profiles'],
    ...['--via', 'profiles.customer_id = customers.id', '--missing', 'create'],
  ];
  return {
    root,
    beforehand: BEFOREHAND,
    scaffolding: scaffolding('move-column', ...flags, ...GOING),
    dialectOf: (release) => (release < '1.2.0' ? PLAIN : MOVED),
    byHand: `ALTER TABLE profiles ADD COLUMN country char(2) DEFAULT 'GB'; DROP TRIGGER customers_touch ON customers;
      ALTER TABLE customers DROP COLUMN country`,
    equals: 'ADD COLUMN and DROP COLUMN',
    remove: () => remove(root),
  };
}

export const CHANGES: Readonly<Record<string, () => DemoChange>> = { rename, retype, split, move };

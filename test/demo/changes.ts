import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/bookshop.ts';

/** What the demo changes in three releases, under traffic. */
export interface DemoChange {
  /** The project that is deployed. */
  readonly root: string;
  /** Commands before 1.0.0 is deployed. */
  readonly beforehand: readonly (readonly string[])[];
  /** Commands that write the change, once 1.0.0 is deployed; none where it is in the project already. */
  readonly scaffolding: readonly (readonly string[])[];
  /** The column with the address, as a release calls it. */
  columnOf(release: string): 'email' | 'email_address';
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
  columnOf: (release) => (release < '1.2.0' ? 'email' : 'email_address'),
  byHand: 'ALTER TABLE customers RENAME COLUMN email TO email_address',
  equals: 'ALTER TABLE RENAME COLUMN',
  remove: () => undefined,
});

const FIRST = '20260901';
const FIRST_RELEASE = 'db/releases/1.0.0.yml';

/** A bookshop that began with integer keys: `customers.id` becomes `bigint`, and so does `orders.customer_id` that references it. */
function retype(): DemoChange {
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
  edit(`db/migrate/${FIRST}090000_create_bookshop.ts`, (text) =>
    text.replaceAll('bigIncrements', 'increments').replaceAll('bigInteger', 'integer'),
  );
  edit(FIRST_RELEASE, (text) => text.replace('state: released', 'state: open').replace(/^sum: .*\n/m, ''));
  writeFileSync(join(root, 'phase.config.mjs'), "export default { release: '1.0.0' };\n");
  const change = ['--table', 'customers', '--column', 'id', '--to-type', 'bigint', '--with-references', '--tolerated'];
  return {
    root,
    beforehand: [['hash'], ['release', 'cut', '1.0.0']],
    scaffolding: [
      ['new', 'retype-column', ...change, '--releases', '1.1.0,1.2.0,1.3.0', '--yes'],
      ...['1.1.0', '1.2.0', '1.3.0'].map((release) => ['release', 'cut', release]),
    ],
    columnOf: () => 'email',
    byHand: `ALTER TABLE customers ALTER COLUMN id TYPE bigint; ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
      ALTER SEQUENCE customers_id_seq AS bigint`,
    equals: 'ALTER TABLE ALTER COLUMN TYPE',
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export const CHANGES: Readonly<Record<string, () => DemoChange>> = { rename, retype };

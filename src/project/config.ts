import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { PhaseError } from '../domain/errors/phase-error.ts';
import type { FailedEvent, MigratedEvent } from '../domain/events.ts';
import { identifierBytes, MAX_IDENTIFIER_BYTES } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { DURATION_FORM, readDuration } from './duration.ts';
import { findConfigFile } from './find-config.ts';
import { type Knexfile, loadKnexfile } from './knexfile.ts';
import { type ModuleLoader, type ModuleSource, moduleLoader } from './modules.ts';
import { packageRelease } from './package-json.ts';
import { problemOf, strict } from './problems.ts';
import { readSize, SIZE_FORM } from './size.ts';

const text = v.pipe(v.string(), v.nonEmpty('is empty'));
const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const atLeastZero = v.pipe(v.number(), v.minValue(0));

/** A quantity as people write it, read to a number. */
function quantity(read: (value: string | number) => number | null, form: string) {
  return v.pipe(
    v.union([v.string(), v.number()], `takes ${form}`),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = read(dataset.value);
      if (value !== null) return value;
      addIssue({ message: `takes ${form}` });
      return NEVER;
    }),
  );
}

const duration = quantity(readDuration, DURATION_FORM);
const size = quantity(readSize, SIZE_FORM);

const release = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseRelease(dataset.value);
    } catch {
      addIssue({ message: 'is not a version such as 1.2.0' });
      return NEVER;
    }
  }),
);

/** Not one in which others keep something. */
const schemaName = v.pipe(
  v.string(),
  v.check(
    (name) => name !== '' && identifierBytes(name) <= MAX_IDENTIFIER_BYTES,
    `takes the name of a schema, of ${MAX_IDENTIFIER_BYTES} bytes at most`,
  ),
  v.check(
    (name) => !/^(pg_.*|information_schema|public)$/.test(name),
    "takes a schema of its own: neither public nor one of PostgreSQL's",
  ),
);

/** Told once a command has come to its end. Its failure is said, and changes nothing. */
function hook<E>() {
  return v.optional(v.custom<(event: E) => unknown>((given) => typeof given === 'function', 'takes a function'));
}

/** Every key of the configuration; docs/configuration.md explains each. */
const schema = strict({
  databaseUrl: v.optional(text),
  shadowDatabaseUrl: v.optional(text),
  wantedSchema: v.optional(text),
  release: v.optional(release),
  ledgerSchema: v.optional(schemaName, DEFAULT_LEDGER_SCHEMA),
  knexfile: v.optional(text),
  knexEnvironment: v.optional(text),
  knexMigrations: v.optional(text),
  formerLedger: v.optional(
    strict({ tool: v.picklist(['node-pg-migrate', 'prisma', 'drizzle']), table: v.optional(text) }),
  ),
  searchPath: v.optional(v.union([text, v.pipe(v.array(text), v.minLength(1, 'names no schema'))])),
  role: v.optional(text),
  lockTimeout: v.optional(duration, '500ms'),
  lockAttempts: v.optional(whole(1, 1_000), 15),
  runnerLockTimeout: v.optional(duration, '60s'),
  stragglerWindow: v.optional(duration, '10min'),
  rewriteLimit: v.optional(size, '16MB'),
  backfill: v.optional(
    strict({
      batchDuration: v.optional(duration),
      workers: v.optional(whole(1, 64)),
      maxLag: v.optional(duration),
      maxUnarchived: v.optional(whole(0)),
      maxGrowth: v.optional(atLeastZero),
      niceRatio: v.optional(v.pipe(atLeastZero, v.maxValue(100))),
      throttleQuery: v.optional(text),
    }),
    {},
  ),
  auditStore: v.optional(v.picklist(['files', 'database']), 'files'),
  environments: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[A-Za-z][\w-]*$/, 'is no name of an environment: letters, digits, - and _')),
      strict({
        urlVariable: text,
        branch: v.optional(text),
        development: v.optional(v.boolean(), false),
        forwardOnly: v.optional(v.boolean(), false),
        approvals: v.optional(whole(0, 20), 0),
      }),
    ),
  ),
  check: v.optional(
    strict({
      ticket: v.optional(v.boolean(), false),
      rules: v.optional(v.record(v.string(), v.picklist(['off', 'warning', 'error'])), {}),
    }),
    {},
  ),
  drift: v.optional(
    strict({
      beforeMigrate: v.optional(v.boolean(), false),
      ignore: v.optional(v.array(strict({ object: text, reason: text })), []),
    }),
    {},
  ),
  hooks: v.optional(
    strict({
      afterMigrate: hook<MigratedEvent>(),
      onFailure: hook<FailedEvent>(),
      timeout: v.optional(duration, '30s'),
    }),
    {},
  ),
  audit: v.optional(strict({ gzip: v.optional(v.boolean(), false), smallChange: v.optional(whole(0), 10_000) }), {}),
});

/** The configuration as the code uses it: durations in milliseconds, sizes in bytes. */
type Config = v.InferOutput<typeof schema>;
/** The configuration as a user writes it. */
export type UserConfig = v.InferInput<typeof schema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** An application as phase finds it on disk. */
export interface Project extends ModuleSource {
  /** The configuration's folder; every path in output is relative to it. */
  readonly root: string;
  readonly configFile: string | null;
  readonly config: Config;
  /** The version in package.json, where there is one that can be read as a release. */
  readonly packageRelease: Release | null;
  /** Loads the configuration of knex, once; null where none is named. @throws PH1033 */
  knexfile(): Promise<Knexfile | null>;
}

/** How a project is opened. */
export interface OpenOptions {
  readonly load: ModuleLoader;
  /** As it was given; else it is looked for. */
  readonly configFile?: string | undefined;
  readonly env?: Environment;
}

/**
 * Finds and reads the configuration, walking up from `from`; without one the defaults hold and `from` is the root.
 * @param load what loads its modules, the configuration among them.
 * @param env where audits are kept is a fact of the place that it runs in: PHASE_AUDIT_STORE goes before the configuration.
 * @throws PH1002, PH1003.
 */
export async function openProject(from: string, { load, configFile, env = {} }: OpenOptions): Promise<Project> {
  const file = configFile === undefined ? findConfigFile(from) : resolve(from, configFile);
  if (file !== null && !existsSync(file)) throw new PhaseError('PH1002', { file: configFile ?? file });
  const root = file === null ? resolve(from) : dirname(file);
  const config = validate(
    file === null ? {} : await read(file, load),
    file === null ? 'configuration' : basename(file),
  );
  let knexfile: Promise<Knexfile | null> | undefined;
  const loadKnex = async (): Promise<Knexfile | null> =>
    config.knexfile === undefined
      ? null
      : loadKnexfile({ root, load }, config.knexfile, { usual: config.knexEnvironment });
  const store = env.PHASE_AUDIT_STORE || config.auditStore;
  const { auditStore } = validate({ auditStore: store }, 'PHASE_AUDIT_STORE');
  return {
    root,
    load,
    configFile: file,
    config: { ...config, auditStore },
    packageRelease: await packageRelease(root),
    knexfile: () => {
      knexfile ??= loadKnex();
      return knexfile;
    },
  };
}

/** What a configuration imports is one function, for its type: the rest of triphase need not be loaded for it. */
const loadLightly = moduleLoader(async () => ({ defineConfig }));

async function read(file: string, load: ModuleLoader): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8'));
    // One that uses more fails without it.
    const module = await loadLightly(file).catch(() => load(file));
    return module.default ?? module;
  } catch (error) {
    const problem = `cannot be loaded (${error instanceof Error ? error.message : String(error)})`;
    throw new PhaseError('PH1003', { file: basename(file), problems: [problem] }, { cause: error });
  }
}

function validate(value: unknown, file: string): Config {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new PhaseError('PH1003', { file, problems: result.issues.map(problemOf) });
}

/** What an application's `phase.config.ts` exports; only gives its type. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}

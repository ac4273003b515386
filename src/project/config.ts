import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { identifierBytes, MAX_IDENTIFIER_BYTES } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { DURATION_FORM, readDuration } from './duration.ts';
import { loadModule } from './modules.ts';
import { readSize, SIZE_FORM } from './size.ts';

const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const milliseconds = readDuration(value);
  if (milliseconds !== null) return milliseconds;
  context.addIssue({ code: 'custom', message: `takes ${DURATION_FORM}` });
  return z.NEVER;
});

const size = z.union([z.string(), z.number()]).transform((value, context) => {
  const bytes = readSize(value);
  if (bytes !== null) return bytes;
  context.addIssue({ code: 'custom', message: `takes ${SIZE_FORM}` });
  return z.NEVER;
});

const release = z.string().transform((value, context) => {
  try {
    return parseRelease(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not a version such as 1.2.0' });
    return z.NEVER;
  }
});

/** Not one in which others keep something. */
const schemaName = z
  .string()
  .refine((name) => name !== '' && identifierBytes(name) <= MAX_IDENTIFIER_BYTES, {
    message: `takes the name of a schema, of ${MAX_IDENTIFIER_BYTES} bytes at most`,
  })
  .refine((name) => !/^(pg_.*|information_schema|public)$/.test(name), {
    message: "takes a schema of its own: neither public nor one of PostgreSQL's",
  });

/** Every key of the configuration; docs/configuration.md explains each. */
const schema = z.strictObject({
  databaseUrl: z.string().min(1).optional(),
  shadowDatabaseUrl: z.string().min(1).optional(),
  release: release.optional(),
  ledgerSchema: schemaName.default(DEFAULT_LEDGER_SCHEMA),
  knexMigrations: z.string().min(1).default('knex_migrations'),
  lockTimeout: duration.default(500),
  lockAttempts: z.number().int().min(1).max(1_000).default(15),
  runnerLockTimeout: duration.default(60_000),
  stragglerWindow: duration.default(600_000),
  rewriteLimit: size.default(16 * 1_024 * 1_024),
  backfill: z
    .strictObject({
      batchDuration: duration.optional(),
      workers: z.number().int().min(1).max(64).optional(),
      maxLag: duration.optional(),
      maxUnarchived: z.number().int().min(0).optional(),
      maxGrowth: z.number().min(0).optional(),
      niceRatio: z.number().min(0).max(100).optional(),
      throttleQuery: z.string().min(1).optional(),
    })
    .default({}),
  auditStore: z.enum(['files', 'database']).default('files'),
  audit: z
    .strictObject({
      gzip: z.boolean().default(false),
      smallChange: z.number().int().min(0).default(10_000),
    })
    .default({ gzip: false, smallChange: 10_000 }),
});

/** The configuration as the code uses it: durations in milliseconds, sizes in bytes. */
type Config = z.output<typeof schema>;
/** The configuration as a user writes it. */
export type UserConfig = z.input<typeof schema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** An application as phase finds it on disk. */
export interface Project {
  /** The configuration's folder; every path in output is relative to it. */
  readonly root: string;
  readonly configFile: string | null;
  readonly config: Config;
  /** The version in package.json, where there is one that can be read as a release. */
  readonly packageRelease: Release | null;
}

const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `phase.config.${extension}`);

/**
 * Finds and reads the configuration, walking up from `from`; without one the defaults hold and `from` is the root.
 * @param env where audits are kept is a fact of the place that it runs in: PHASE_AUDIT_STORE goes before the configuration.
 * @throws PH1002, PH1003.
 */
export async function openProject(from: string, configFile?: string, env: Environment = {}): Promise<Project> {
  const file = configFile === undefined ? findConfigFile(from) : resolve(from, configFile);
  if (file !== null && !existsSync(file)) throw new PhaseError('PH1002', { file: configFile ?? file });
  const root = file === null ? resolve(from) : dirname(file);
  const config = validate(file === null ? {} : await load(file), file === null ? 'configuration' : basename(file));
  const store = env.PHASE_AUDIT_STORE || config.auditStore;
  const { auditStore } = validate({ auditStore: store }, 'PHASE_AUDIT_STORE');
  return { root, configFile: file, config: { ...config, auditStore }, packageRelease: await packageRelease(root) };
}

/** Walking up; null where there is none. */
export function findConfigFile(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return null;
  }
}

async function load(file: string): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8'));
    const module = await loadModule(file);
    return module.default ?? module;
  } catch (error) {
    const problem = `cannot be loaded (${error instanceof Error ? error.message : String(error)})`;
    throw new PhaseError('PH1003', { file: basename(file), problems: [problem] }, { cause: error });
  }
}

function validate(value: unknown, file: string): Config {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new PhaseError('PH1003', { file, problems: result.error.issues.flatMap(problemsOf) });
}

/** A problem as a sentence that begins with the key. */
export function problemsOf(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${at === '' ? '' : `${at}.`}${key} is not a key`);
  }
  return [`${at === '' ? 'the file' : at}: ${issue.message}`];
}

async function packageRelease(root: string): Promise<Release | null> {
  try {
    return parseRelease(String((await readPackage(root)).version));
  } catch {
    return null;
  }
}

/** The application's name in package.json, where there is one that can be read. */
export async function packageName(root: string): Promise<string | null> {
  const { name } = await readPackage(root).catch(() => ({ name: undefined }));
  return typeof name === 'string' ? name : null;
}

async function readPackage(root: string): Promise<{ readonly name?: unknown; readonly version?: unknown }> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
}

/** What an application's `phase.config.ts` exports; only gives its type. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { identifierBytes, MAX_IDENTIFIER_BYTES } from '../domain/identifier.ts';
import { DEFAULT_LEDGER_SCHEMA } from '../domain/ledger-schema.ts';
import { parseRelease, type Release } from '../domain/release.ts';
import { DURATION_FORM, readDuration } from './duration.ts';
import { findConfigFile } from './find-config.ts';
import type { ModuleLoader, ModuleSource } from './modules.ts';
import { packageRelease } from './package-json.ts';
import { problemsOf } from './problems.ts';
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
export interface Project extends ModuleSource {
  /** The configuration's folder; every path in output is relative to it. */
  readonly root: string;
  readonly configFile: string | null;
  readonly config: Config;
  /** The version in package.json, where there is one that can be read as a release. */
  readonly packageRelease: Release | null;
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
  const store = env.PHASE_AUDIT_STORE || config.auditStore;
  const { auditStore } = validate({ auditStore: store }, 'PHASE_AUDIT_STORE');
  return {
    root,
    load,
    configFile: file,
    config: { ...config, auditStore },
    packageRelease: await packageRelease(root),
  };
}

async function read(file: string, load: ModuleLoader): Promise<unknown> {
  try {
    if (file.endsWith('.json')) return JSON.parse(await readFile(file, 'utf8'));
    const module = await load(file);
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

/** What an application's `phase.config.ts` exports; only gives its type. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}

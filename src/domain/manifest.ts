import type { Release } from './release.ts';
import type { StepName } from './rename.ts';

/** Changes the schema, or the rows. */
export type MigrationKind = 'schema' | 'data';

/** The phase of a rename: 1 expand, 2 switch, 3 contract. */
export type Phase = 1 | 2 | 3;

/** A migration as its manifest lists it. Field by field in docs/formats.md. */
export interface ManifestEntry {
  /** The file's name without its extension. What phase scaffolds begins with a timestamp of 14 digits. */
  readonly id: string;
  readonly kind: MigrationKind;
  /** Of the file's text with line feeds, in hexadecimal. */
  readonly sha256: string;
  readonly rename?: string | undefined;
  readonly phase?: Phase | undefined;
  /** Which step of the rename it is: never read from its name. */
  readonly step?: StepName | undefined;
  /** Ids that must have run before it. */
  readonly after?: readonly string[] | undefined;
  /** Tables it touches, `schema.name`; absent when nobody has observed it. */
  readonly touches?: readonly string[] | undefined;
  /** Range of application releases that cannot live once it has run. */
  readonly breaks?: string | undefined;
  /** Where it is, relative to the root, when it was taken over from another tool and stays where that has it. */
  readonly file?: string | undefined;
  /** `no`: it runs outside a transaction, unless its own text says otherwise. */
  readonly transaction?: 'no' | undefined;
}

/** A file that migrations read and that is hashed like them: a version of a function or trigger, a rename's facts. */
export interface ManifestSource {
  /** Relative to `db/`. */
  readonly file: string;
  readonly sha256: string;
}

/** A baseline that was squashed with what came after it. */
export interface EarlierBaseline {
  readonly ids: readonly string[];
  readonly replaces: readonly string[];
}

/** What one release brings to the database: `db/releases/<version>.yml`. */
export interface Manifest {
  readonly release: Release;
  readonly state: 'open' | 'released';
  readonly migrations: readonly ManifestEntry[];
  readonly sources: readonly ManifestSource[];
  /** Ids of migrations in whose place those of this manifest stand since `phase squash`: a database that has all of them has these. */
  readonly replaces?: readonly string[] | undefined;
  /** Baselines among them, with what these had replaced: a database may have either. The earliest first. */
  readonly earlier?: readonly EarlierBaseline[] | undefined;
  /** Over the entries and sources, once released. */
  readonly sum?: string | undefined;
}

/**
 * The release in which a phase of a rename stands; null where no manifest lists it. What a refresh adds may come in a release before it.
 * @param manifests ascending: of a backport it is the lowest.
 */
export function releaseOfPhase(manifests: readonly Manifest[], rename: string, phase: Phase): Release | null {
  const lists = (entry: ManifestEntry): boolean =>
    entry.rename === rename && entry.phase === phase && entry.step !== 'refresh';
  return manifests.find(({ migrations }) => migrations.some(lists))?.release ?? null;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, parseDocument, YAMLSeq } from 'yaml';
import type { ManifestEntry, ManifestSource } from '../domain/manifest.ts';
import type { Release } from '../domain/release.ts';
import { manifestSum } from './checksum.ts';
import type { FileChange } from './files.ts';
import { parseManifest, pathOf } from './manifests.ts';
import { readYaml } from './yaml.ts';

/** What is to change in a manifest. */
export interface ManifestChange {
  readonly release: Release;
  readonly add?: readonly ManifestEntry[];
  readonly addSources?: readonly ManifestSource[];
  /** Ids, and files of sources, that it lists no longer. */
  readonly remove?: ReadonlySet<string>;
  readonly removeSources?: ReadonlySet<string>;
  /** New ranges of releases that entries break, by id. */
  readonly breaks?: ReadonlyMap<string, string>;
  /** New checksums of entries and sources that it lists already, by id or file. */
  readonly rehash?: ReadonlyMap<string, string>;
  /** Tables that entries touch, by id; null for no longer known. */
  readonly touches?: ReadonlyMap<string, readonly string[] | null>;
  readonly cut?: boolean;
}

/** The text of a manifest after a change. What a person wrote into an existing one, comments too, stays. */
export async function changeManifest(root: string, change: ManifestChange): Promise<FileChange> {
  const path = await pathOf(root, change.release);
  const text = await readFile(join(root, path), 'utf8').catch(() => null);
  const before = text ?? `release: ${change.release}\nstate: open\nmigrations: []\n`;
  return { path, content: changedManifest(path, before, change), mode: text === null ? 'create' : 'replace' };
}

/** The text of a manifest after a change. @throws PH3005 for one that cannot be read. */
export function changedManifest(path: string, before: string, change: Omit<ManifestChange, 'release'>): string {
  // What cannot be read is refused before it is changed.
  readYaml(path, before);
  const document = parseDocument(before, { schema: 'failsafe' }) as unknown as Document;
  removeItems(document, 'migrations', 'id', change.remove ?? new Set());
  removeItems(document, 'sources', 'file', change.removeSources ?? new Set());
  for (const entry of change.add ?? []) append(document, 'migrations', asText(entry));
  for (const source of change.addSources ?? []) append(document, 'sources', source);
  rehash(document, change.rehash ?? new Map());
  setTouches(document, change.touches ?? new Map());
  setBreaks(document, change.breaks ?? new Map());
  if (change.cut) {
    document.set('state', 'released');
    document.set('sum', manifestSum(parseManifest(path, document.toString())));
  }
  return document.toString({ lineWidth: 0 });
}

function append(document: Document, key: string, value: object): void {
  if (!(document.get(key) instanceof YAMLSeq)) document.set(key, document.createNode([]));
  const list = document.get(key) as YAMLSeq;
  list.flow = false;
  list.add(document.createNode(value));
}

function removeItems(document: Document, key: string, name: string, gone: ReadonlySet<string>): void {
  const list = (document.toJS()?.[key] ?? []) as Record<string, string>[];
  for (let index = list.length - 1; index >= 0; index--) {
    if (gone.has(list[index]?.[name] ?? '')) document.deleteIn([key, index]);
  }
}

function setBreaks(document: Document, breaks: ReadonlyMap<string, string>): void {
  const list = (document.toJS()?.migrations ?? []) as { id: string }[];
  list.forEach(({ id }, index) => {
    const range = breaks.get(id);
    if (range !== undefined) document.setIn(['migrations', index, 'breaks'], range);
  });
}

function rehash(document: Document, sums: ReadonlyMap<string, string>): void {
  for (const [key, name] of [
    ['migrations', 'id'],
    ['sources', 'file'],
  ] as const) {
    const list = (document.toJS()?.[key] ?? []) as Record<string, string>[];
    list.forEach((item, index) => {
      const sum = sums.get(item[name] ?? '');
      if (sum !== undefined) document.setIn([key, index, 'sha256'], sum);
    });
  }
}

function setTouches(document: Document, touches: ReadonlyMap<string, readonly string[] | null>): void {
  const list = (document.toJS()?.migrations ?? []) as { id: string }[];
  list.forEach(({ id }, index) => {
    const tables = touches.get(id);
    if (tables === null) document.deleteIn(['migrations', index, 'touches']);
    else if (tables !== undefined) document.setIn(['migrations', index, 'touches'], document.createNode(tables));
  });
}

/** Every scalar is text, as it is read. */
function asText(entry: ManifestEntry): object {
  const present = Object.entries(entry).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([key, value]) => [key, typeof value === 'number' ? String(value) : value]));
}

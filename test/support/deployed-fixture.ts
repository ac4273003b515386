import { afterAll } from '@jest/globals';
import { createDatabase, dropDatabase } from './database.ts';
import { TestProject } from './project.ts';
import { type FixtureOptions, fixtureOf, type RenameFixture, renameFixture } from './rename-fixture.ts';

/** A fixture as it was left, to be copied. */
interface Kept {
  /** Of its database, to which nobody is connected. */
  readonly url: string;
  readonly files: Readonly<Record<string, string>>;
}

const kept = new Map<string, Promise<Kept>>();
afterAll(async () => {
  // A server of an older version may be gone by now, with all that it had.
  for (const made of kept.values()) await made.then(({ url }) => dropDatabase(url)).catch(() => undefined);
});

/** A fixture whose first releases are deployed. Tests of a file that ask for the same get copies: making it takes longer than most of them do. */
export async function deployedFixture(options: FixtureOptions, ...releases: readonly string[]): Promise<RenameFixture> {
  const key = JSON.stringify([options, releases]);
  const made = kept.get(key) ?? keep(options, releases);
  kept.set(key, made);
  const { url, files } = await made.catch((error) => {
    kept.delete(key);
    throw error;
  });
  const database = await createDatabase(options.server, new URL(url).pathname.slice(1));
  return fixtureOf(database, new TestProject(database.url, files));
}

async function keep(options: FixtureOptions, releases: readonly string[]): Promise<Kept> {
  const fixture = await renameFixture(options);
  const { database, project } = fixture;
  try {
    for (const release of releases) await fixture.deploy(release);
    await database.client.end();
    return { url: database.url, files: project.files() };
  } catch (error) {
    await database.drop();
    throw error;
  } finally {
    project.remove();
  }
}

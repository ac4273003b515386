import type { TestProject } from './project.ts';

let clock = 0;

/** Writes a migration, enters it in a release's manifest, and gives its id. */
export async function addMigration(
  project: TestProject,
  release: string,
  name: string,
  content: string,
  options: { folder?: 'migrate' | 'data'; extension?: string; breaks?: string; replay?: boolean } = {},
): Promise<string> {
  const { folder = 'migrate', extension = 'sql', breaks, replay = false } = options;
  const id = `${String(20260101000000 + clock++)}_${name}`;
  project.write(`db/${folder}/${id}.${extension}`, content);
  project.write(
    'phase.config.json',
    JSON.stringify({ release, lockTimeout: '100ms', lockAttempts: 4, runnerLockTimeout: '1s' }),
  );
  await project.json('hash', ...(replay ? [] : ['--no-replay']));
  if (breaks !== undefined) {
    const manifest = `db/releases/${release}.yml`;
    project.write(manifest, project.read(manifest).replace(`- id: ${id}\n`, `- id: ${id}\n    breaks: "${breaks}"\n`));
  }
  return id;
}

import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PhaseError } from '../../domain/errors/phase-error.ts';

const LIMIT_MS = 90_000;

/** Two commands that start the same server at once: the second waits for the first. A lock left by a dead one is taken over. */
export async function whileAlone<T>(lock: string, body: () => Promise<T>): Promise<T> {
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    const taken = await writeFile(lock, String(process.pid), { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (taken) break;
    const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
    else if (Date.now() > until) throw new PhaseError('PH5007', { reason: `${lock} is held by process ${owner}.` });
    else await sleep(100);
  }
  try {
    return await body();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The user that the server runs as when root starts it: PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Null when the caller is not root and needs no other account. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const fields = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return { uid: Number(fields?.[2] ?? 65534), gid: Number(fields?.[3] ?? 65534) };
}

/** Whether an account can reach a folder: every folder above it lets others pass. */
export function reachable(folder: string, account: Account): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const { mode, uid } = statSync(at);
    const mayPass = (mode & 0o001) !== 0 || (uid === account.uid && (mode & 0o100) !== 0);
    if (!mayPass) return false;
    if (dirname(at) === at) return true;
  }
}

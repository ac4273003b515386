import { readFileSync } from 'node:fs';

let version: string | undefined;

/** The version of triphase that runs. */
export function toolVersion(): string {
  version ??= String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
  return version;
}

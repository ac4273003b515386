import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PhaseError } from '../../domain/errors/phase-error.ts';
import { reasonOf } from '../../postgres/errors.ts';

const ENDING = '.partial';

/** A file that has its final name only once the transaction that it belongs to has committed. */
export class PartialFile {
  /** Absolute, as it will be called. */
  readonly path: string;
  readonly #shown: string;
  bytes = 0;
  sha256 = '';

  /** @param shown the path for messages. */
  constructor(path: string, shown: string) {
    this.path = path;
    this.#shown = shown;
  }

  get partialPath(): string {
    return `${this.path}${ENDING}`;
  }

  /**
   * Writes everything that a stream gives, so that it is on the disk; only the owner may read it.
   * @throws PH5011 when the file system refuses. What comes from the source is thrown as it is.
   */
  async write(source: Readable, gzip: boolean): Promise<void> {
    // A pipeline hands the error of one stream to all of them: the first one has it of its own.
    let origin: 'source' | 'file' | null = null;
    source.once('error', () => {
      origin ??= 'source';
    });
    const hash = createHash('sha256');
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        this.bytes += chunk.length;
        done(null, chunk);
      },
    });
    try {
      if (existsSync(this.path)) throw new Error('There is a file of that name already.');
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      const file = createWriteStream(this.partialPath, { flags: 'wx', mode: 0o600, flush: true });
      file.once('error', () => {
        origin ??= 'file';
      });
      if (gzip) await pipeline(source, createGzip(), counted, file);
      else await pipeline(source, counted, file);
      this.sha256 = hash.digest('hex');
    } catch (error) {
      source.destroy();
      await this.discard();
      if (origin === 'source') throw error;
      throw new PhaseError('PH5011', { file: this.#shown, reason: reasonOf(error) }, { cause: error });
    }
  }

  read(): Readable {
    return createReadStream(this.partialPath, { highWaterMark: 1_048_576 });
  }

  /** Gives it its name. Never over another file. */
  async publish(): Promise<void> {
    await publishPartial(this.path);
  }

  async discard(): Promise<void> {
    // Where not even its folder can be looked at there is nothing of it.
    await rm(this.partialPath, { force: true }).catch(() => undefined);
  }
}

/** By a link, since a rename would replace a file of that name. Where another process has just done it, all is well. */
export async function publishPartial(path: string): Promise<void> {
  await link(`${path}${ENDING}`, path).catch((error) => {
    if (!existsSync(path)) throw error;
  });
  await rm(`${path}${ENDING}`, { force: true });
}

export function isPartial(path: string): boolean {
  return path.endsWith(ENDING);
}

/** The name that a partial file is going to have. */
export function finalPath(path: string): string {
  return path.slice(0, -ENDING.length);
}

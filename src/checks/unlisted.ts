import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Finding } from '../domain/finding.ts';

/** Migration files that no manifest lists: they never run. */
export function checkUnlisted(files: readonly string[]): Finding[] {
  return files.map((file) => ({
    code: 'unlisted_file',
    severity: 'error',
    file,
    line: null,
    message: `${file} is in no manifest, so that it never runs.`,
    remedy: 'Run phase hash, and commit the manifest with it.',
  }));
}

/** Migrations that somebody has written for knex since its others were taken over. */
export function checkNewForKnex(files: readonly string[]): Finding[] {
  return files.map((file) => ({
    code: 'unlisted_file',
    severity: 'error',
    file,
    line: null,
    message: `${file} is in no manifest, so that phase never runs it.`,
    remedy: 'Move it to db/migrate, run phase hash, and commit the manifest with it.',
  }));
}

/** Files among the migrations whose names do not fit: they never run either. */
export function checkUnfit(files: readonly string[]): Finding[] {
  return files.map((file) => {
    const { code, message, remedy } = new PhaseError('PH3021', { files: [file] });
    return { code, severity: 'error', file, line: null, message, remedy };
  });
}

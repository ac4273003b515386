import type { PhaseError } from '../../domain/errors/phase-error.ts';
import type { Finding } from '../../domain/finding.ts';
import type { MigrationFile } from '../../project/migrations.ts';

/**
 * An error as a finding.
 * @param files to tell where a migration lies that the error names by its id.
 */
export function findingOf(error: PhaseError, files: readonly MigrationFile[]): Finding {
  const { file, manifest, id, ids } = error.details as Partial<Record<'file' | 'manifest' | 'id', string>> & {
    ids?: readonly string[];
  };
  const named = files.find((one) => one.id === (id ?? ids?.[0]));
  return {
    code: error.code,
    severity: 'error',
    file: named?.path ?? file ?? manifest ?? null,
    line: null,
    message: `${error.message} ${error.why}`,
    remedy: error.remedy,
  };
}

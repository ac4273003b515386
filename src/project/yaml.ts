import { type Document, parseDocument } from 'yaml';
import { PhaseError } from '../domain/errors/phase-error.ts';

/** Reads YAML whose every scalar is a text, so that `1.10` and a checksum of digits stay what they are. @throws PH3005 */
export function readYaml(file: string, text: string): unknown {
  return reading(file, () => {
    const document = parseDocument(text, { schema: 'failsafe' });
    const problems = document.errors.map((error) => error.message.split('\n')[0] ?? '');
    if (problems.length > 0) throw new PhaseError('PH3005', { file, problems });
    return document.toJS();
  });
}

/** The same as a document that can be changed and written, with its comments. @throws PH3005 */
export function readYamlDocument(file: string, text: string): Document {
  return reading(file, () => parseDocument(text, { schema: 'failsafe' }) as unknown as Document);
}

/** The parser refuses aliases that multiply, and ends where things are nested deeper than its stack is. */
function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PhaseError) throw error;
    const problems = [error instanceof Error ? error.message : String(error)];
    throw new PhaseError('PH3005', { file, problems }, { cause: error });
  }
}

import type { Release } from '../domain/release.ts';
import { render } from './templates.ts';

const FOLDER = 'deploy';
const FILES = ['Containerfile', 'migrate-job.yaml', 'finish-job.yaml', 'wait-patch.yaml', 'run-job.sh'];
/** Names of objects may have 63 characters, and a release follows. */
const LONGEST_APP = 30;

/**
 * The files that bring migrations into a deployment on Kubernetes.
 * @param name of the application's package; @returns paths relative to the project's root.
 */
export function deployFiles(name: string, release: Release): { path: string; content: string }[] {
  const view = {
    app: kubernetesName(name),
    release,
    slug: release.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    folder: FOLDER,
  };
  return FILES.map((file) => ({ path: `${FOLDER}/${file}`, content: render(`deploy/${file}`, view) }));
}

/**
 * A name as labels of DNS have it.
 * Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
function kubernetesName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return plain.slice(0, LONGEST_APP).replaceAll(/^[^a-z]+|-+$/g, '') || 'app';
}

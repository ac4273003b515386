import type { Release } from '../../domain/release.ts';
import { plain, render } from '../templates.ts';

/** Where a deployment's files go, but for those whose place is fixed. */
const FOLDER = 'deploy';
/** Names of objects may have 63 characters, and a release follows. */
const LONGEST_APP = 30;

/** Of each platform: the path in the project, and the template. */
const PLATFORMS = {
  kubernetes: kubernetes(),
  helm: {
    [`${FOLDER}/Containerfile`]: 'Containerfile',
    ...inFolder('helm', 'phase/Chart.yaml', 'phase/values.yaml', 'phase/templates/_phase.tpl'),
    ...inFolder('helm', 'phase/templates/migrate-job.yaml', 'phase/templates/finish-job.yaml'),
  },
  compose: {
    [`${FOLDER}/Containerfile`]: 'Containerfile',
    [`${FOLDER}/compose.phase.yaml`]: 'compose/compose.phase.yaml',
  },
  github: { '.github/workflows/phase.yml': 'github/phase.yml' },
  fly: { [`${FOLDER}/Containerfile`]: 'Containerfile', ...inFolder('fly', 'fly.phase.toml', 'finish.sh') },
  heroku: inFolder('heroku', 'Procfile.phase', 'setup.sh', 'finish.sh'),
  systemd: inFolder('systemd', 'migrate.service', 'finish.service', 'wait.conf'),
} satisfies Record<string, Readonly<Record<string, string>>>;

export type Platform = keyof typeof PLATFORMS;
export const PLATFORM_NAMES = Object.keys(PLATFORMS) as Platform[];

function kubernetes(): Record<string, string> {
  const names = ['migrate-job.yaml', 'finish-job.yaml', 'wait-patch.yaml', 'run-job.sh'];
  const own = names.map((name) => [`${FOLDER}/${name}`, `kubernetes/${name}`] as const);
  return { [`${FOLDER}/Containerfile`]: 'Containerfile', ...Object.fromEntries(own) };
}

function inFolder(platform: string, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`${FOLDER}/${platform}/${name}`, `${platform}/${name}`]));
}

export interface Deployment {
  /** Of the application's package. */
  readonly name: string;
  readonly release: Release;
  /** Installs what production needs, in a shell. */
  readonly install: string;
}

/** The files that bring migrations into a deployment. @returns paths relative to the project's root. */
export function deployFiles(
  platform: Platform,
  { name, release, install }: Deployment,
): { path: string; content: string }[] {
  const view = {
    app: plainName(name),
    release,
    slug: release.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    folder: FOLDER,
    install,
  };
  return Object.entries(PLATFORMS[platform]).map(([path, template]) => ({
    path,
    content: contentOf(`deploy/${template}`, view),
  }));
}

/** What judges migrations in a pull request, by the CI that runs it. @param install installs all packages, in a shell. */
export function ciFiles(_ci: 'github', install: string): { path: string; content: string }[] {
  return [
    { path: '.github/workflows/phase-review.yml', content: contentOf('deploy/github/phase-review.yml', { install }) },
  ];
}

/** What has braces of its own is no template of ours. */
function contentOf(name: string, view: { readonly install: string }): string {
  const isPlain = name.includes('/templates/') || name.includes('github/');
  return isPlain ? plain(name).replaceAll('__INSTALL__', view.install) : render(name, view);
}

/**
 * A name as labels of DNS have it, which users of systems can be called, too.
 * Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
function plainName(name: string): string {
  const words = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return words.slice(0, LONGEST_APP).replaceAll(/^[^a-z]+|-+$/g, '') || 'app';
}

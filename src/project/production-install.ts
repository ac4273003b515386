import { detect } from 'package-manager-detector';

/** How packages that production needs are installed in an image, by the package manager of the project. The embedded PostgreSQL of development is optional. */
export async function productionInstall(root: string): Promise<string> {
  const agent = (await detect({ cwd: root }))?.agent ?? 'npm';
  switch (agent) {
    case 'pnpm':
    case 'pnpm@6':
      return 'corepack enable && pnpm install --prod --no-optional --frozen-lockfile';
    case 'yarn':
      return 'corepack enable && yarn install --production --ignore-optional --frozen-lockfile';
    case 'yarn@berry':
      return 'corepack enable && yarn workspaces focus --production';
    default:
      return 'npm ci --omit=dev --omit=optional';
  }
}

/** How all packages are installed where a branch is checked. */
export async function wholeInstall(root: string): Promise<string> {
  const agent = (await detect({ cwd: root }))?.agent ?? 'npm';
  switch (agent) {
    case 'pnpm':
    case 'pnpm@6':
      return 'corepack enable && pnpm install --frozen-lockfile';
    case 'yarn':
      return 'corepack enable && yarn install --frozen-lockfile';
    case 'yarn@berry':
      return 'corepack enable && yarn install --immutable';
    default:
      return 'npm ci';
  }
}

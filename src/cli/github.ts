import { readFile } from 'node:fs/promises';
import { PhaseError } from '../domain/errors/phase-error.ts';
import { reasonOf } from '../postgres/errors.ts';
import { REVIEW_MARK } from '../report/review.ts';

export interface Posted {
  readonly url: string | null;
  /** Why it was not, where that is no error: of a fork the token may only read. */
  readonly notice?: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

interface Comment {
  id: number;
  body: string | null;
  html_url: string;
}

/**
 * Writes the comment of a pull request, or over the one that is there, by the variables that GitHub's runners set.
 * Source: https://docs.github.com/rest/issues/comments
 * @throws PH1015 for another place than github, PH5033 when it does not answer as it should.
 */
export async function postComment(place: string, body: string, variables: Variables): Promise<Posted> {
  if (place !== 'github') throw new PhaseError('PH1015', { what: '--post', value: place, allowed: 'github' });
  const {
    GITHUB_API_URL: api = 'https://api.github.com',
    GITHUB_REPOSITORY: repository,
    GITHUB_TOKEN: token,
  } = variables;
  const number = await pullRequest(variables);
  if (repository === undefined || token === undefined || number === null) {
    const reason = 'GITHUB_REPOSITORY, GITHUB_TOKEN or the number of the pull request (GITHUB_EVENT_PATH) is not set.';
    throw new PhaseError('PH5033', { reason });
  }
  const call = async <T>(method: string, path: string, content?: object): Promise<T> => {
    const response = await fetch(`${api}/repos/${repository}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
      },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
      signal: AbortSignal.timeout(30_000),
    });
    if (!response.ok)
      throw new Refused(
        response.status,
        `${method} ${path} gave ${response.status} ${await response.text()}`.slice(0, 500),
      );
    return (await response.json()) as T;
  };
  try {
    const known = await findComment(call, number);
    const comment =
      known === null
        ? await call<Comment>('POST', `/issues/${number}/comments`, { body })
        : await call<Comment>('PATCH', `/issues/comments/${known.id}`, { body });
    return { url: comment.html_url };
  } catch (error) {
    if (error instanceof Refused && error.status === 403) {
      return {
        url: null,
        notice: 'The comment was not written: this token may only read, as those of forks do. It stands in the log.',
      };
    }
    throw new PhaseError('PH5033', { reason: reasonOf(error) }, { cause: error });
  }
}

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const A_PAGE = 100;

async function findComment(
  call: <T>(method: string, path: string) => Promise<T>,
  number: number,
): Promise<Comment | null> {
  for (let page = 1; ; page++) {
    const comments = await call<Comment[]>('GET', `/issues/${number}/comments?per_page=${A_PAGE}&page=${page}`);
    const found = comments.find(({ body }) => body?.startsWith(REVIEW_MARK));
    if (found !== undefined) return found;
    if (comments.length < A_PAGE) return null;
  }
}

async function pullRequest({ GITHUB_EVENT_PATH: path }: Variables): Promise<number | null> {
  if (path === undefined) return null;
  try {
    const event = JSON.parse(await readFile(path, 'utf8')) as { pull_request?: { number?: number } };
    return event.pull_request?.number ?? null;
  } catch {
    return null;
  }
}

import { PhaseError } from '../domain/errors/phase-error.ts';
import type { Project } from './config.ts';

/** A database that the configuration names. */
export interface Environment {
  readonly name: string;
  /** Variable of the environment that holds its URL. */
  readonly urlVariable: string;
  /** What is merged there is what this database gets. */
  readonly branch: string | null;
  /** Its rows are nobody's: it may be dropped, and brought to a schema without migrations. */
  readonly development: boolean;
  /** Nothing is undone there. */
  readonly forwardOnly: boolean;
  /** How many people besides its author have to approve a data migration or a contract step. */
  readonly approvals: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Says which environment is meant. */
const ENVIRONMENT_VARIABLE = 'PHASE_ENVIRONMENT';

/** All that the configuration names. */
export function environmentsOf({ config }: Pick<Project, 'config'>): Environment[] {
  return Object.entries(config.environments ?? {}).map(([name, { branch = null, ...rest }]) => ({
    name,
    branch,
    ...rest,
  }));
}

/**
 * The environment that a command is for: the one that is named, else the one whose URL is used. Null where it is none of them.
 * @param given the URL that was given for the database.
 * @throws PH1037 for a name that the configuration does not have.
 */
export function environmentOf(project: Project, given: string | undefined, variables: Variables): Environment | null {
  const environments = environmentsOf(project);
  const named = variables[ENVIRONMENT_VARIABLE] || undefined;
  if (named !== undefined) {
    const found = environments.find(({ name }) => name === named);
    if (found === undefined)
      throw new PhaseError('PH1037', { name: named, known: environments.map(({ name }) => name) });
    return found;
  }
  const url = given ?? project.config.databaseUrl ?? (variables.DATABASE_URL || undefined);
  return environments.find(({ urlVariable }) => url !== undefined && variables[urlVariable] === url) ?? null;
}

/** The URL of an environment that was named; undefined where none was. @throws PH1037, PH1038 */
export function urlOfEnvironment(project: Project, variables: Variables): string | undefined {
  if (!variables[ENVIRONMENT_VARIABLE]) return undefined;
  const environment = environmentOf(project, undefined, variables);
  if (environment === null) return undefined;
  const { name, urlVariable } = environment;
  const url = variables[urlVariable] || undefined;
  if (url === undefined) throw new PhaseError('PH1038', { name, variable: urlVariable });
  return url;
}

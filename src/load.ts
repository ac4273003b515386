import { moduleLoader } from './project/modules.ts';

/** Loads modules of an application with this copy of triphase: handed to whoever runs an application's code. */
export const loadModule = moduleLoader(() => import('./index.ts'));

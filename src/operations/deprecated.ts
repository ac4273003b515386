import { copyNotNull } from './attributes.ts';
import { addColumnToChildren } from './children.ts';
import { restoreTwinNames } from './columns.ts';
import { replaceForeignKey, restoreForeignKey } from './constraints.ts';
import { restorePrimaryKey } from './primary-key.ts';
import { ensureWithinRewriteLimit } from './rewrite-limit.ts';
import { restoreIndexRoles } from './twins.ts';

// What migrations call that 0.1 has scaffolded: those stand in released manifests, and run as long as there is a database on which they have not run.

/** @deprecated Scaffolded by 0.1; now `restoreIndexRoles`. */
export const appointOriginals = restoreIndexRoles;
/** @deprecated Scaffolded by 0.1; now `restoreTwinNames`. */
export const setAside = restoreTwinNames;
/** @deprecated Scaffolded by 0.1; now `restoreForeignKey`. */
export const returnReplacedKey = restoreForeignKey;
/** @deprecated Scaffolded by 0.1; now `replaceForeignKey`. */
export const dropReplacedKey = replaceForeignKey;
/** @deprecated Scaffolded by 0.1; now `restorePrimaryKey`. */
export const returnPrimaryKey = restorePrimaryKey;
/** @deprecated Scaffolded by 0.1; now `ensureWithinRewriteLimit`. */
export const ensureSmall = ensureWithinRewriteLimit;
/** @deprecated Scaffolded by 0.1; now `copyNotNull`. */
export const matchNotNull = copyNotNull;
/** @deprecated Scaffolded by 0.1; now `addColumnToChildren`. */
export const addToChildren = addColumnToChildren;

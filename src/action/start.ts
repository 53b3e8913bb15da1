import type { Env } from '../base/environment.js';

/** State of the runner that tells the post step from the main one: both are one bundle. */
export const stepKey = 'isPost';

/** Names the file that a process which starts anew gets its secrets by. */
export const secretsVariable = 'SLURM_FACTORY_SECRETS';

/** Whether this is the first process of a main step, which says what runs before it loads all of that. */
export const isFirstOfMain = (env: Env): boolean => !env[`STATE_${stepKey}`] && !env[secretsVariable];

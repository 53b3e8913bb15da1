import { sequence } from './stage.js';
import { lockStage } from './stages/lock.js';
import { preflightStage } from './stages/preflight.js';
import { sessionStage } from './stages/session.js';
import { toolsStage } from './stages/tools.js';

/** What there is to do before anything is fetched or built: how a build, a mirror and a mere look begin. */
export const solve = sequence().add(preflightStage).add(toolsStage).add(sessionStage).add(lockStage);

import { runStep } from '../action/build.js';
import { hideSecrets } from '../action/secrets.js';
import { projectRoot, projectVersion } from './root.js';

hideSecrets(process);
await runStep(projectRoot(), projectVersion);
// A request that a stalled cache service never answers would keep the process alive.
process.exit();

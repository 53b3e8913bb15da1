import { isFirstOfMain } from '../action/start.js';
import { projectRoot, projectVersion } from './root.js';

if (isFirstOfMain(process.env)) process.stdout.write(`slurm-factory ${projectVersion}\n`);
const { hideSecrets } = await import('../action/secrets.js');
hideSecrets(process);
const { runPublishStep } = await import('../action/publish.js');
await runPublishStep(projectRoot());
// A request that a stalled service never answers would keep the process alive.
process.exit();

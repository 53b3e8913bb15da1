import { isFirstOfMain } from '../action/start.js';
import { projectRoot, projectVersion } from './root.js';

if (isFirstOfMain(process.env)) process.stdout.write(`slurm-factory ${projectVersion}\n`);
const { hideSecrets } = await import('../action/secrets.js');
hideSecrets(process);
const { runPlan } = await import('../action/plan.js');
await runPlan(projectRoot());
// A request that a stalled cache service never answers would keep the process alive.
process.exit();

import { runMain } from '../action/main.js';
import { projectRoot, projectVersion } from './root.js';

await runMain(projectRoot(), projectVersion);

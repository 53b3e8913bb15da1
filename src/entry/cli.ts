import { runCli } from '../cli/main.js';
import { projectRoot, projectVersion } from './root.js';

process.exitCode = await runCli(projectRoot(), projectVersion, { out: process.stdout, err: process.stderr });

import { projectRoot, projectVersion } from './root.js';

// Who asks for nothing but the version waits for nothing else to be loaded.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stdout.write(`${projectVersion}\n`);
} else {
  const { runCli } = await import('../cli/main.js');
  process.exitCode = await runCli(projectRoot(), projectVersion, {
    out: process.stdout,
    err: process.stderr,
  });
}

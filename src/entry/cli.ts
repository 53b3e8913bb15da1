import { writeSync } from 'node:fs';
import { projectRoot, projectVersion } from './root.js';

// Who asks for nothing but the version waits for nothing else to be loaded.
const versionAlone = process.argv.length === 3 && process.argv[2] === '--version';
if (!versionAlone || !written(`${projectVersion}\n`)) {
  const { runCli } = await import('../cli/main.js');
  process.exitCode = await runCli(projectRoot(), projectVersion, {
    out: process.stdout,
    err: process.stderr,
  });
}

/** Whether the text got out whole; a full disk or a closed pipe is for the program to tell. */
function written(text: string): boolean {
  try {
    return writeSync(process.stdout.fd, text) === Buffer.byteLength(text);
  } catch {
    return false;
  }
}

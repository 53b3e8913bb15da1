// A program that uses the compiled library, for tests that measure a process of its own. Its one argument is JSON:
// inputs and folders of a build, or a command whose lines are read. It prints what came of it, and the most memory that it
// had (bytes).
import { SlurmBuilder } from '../../build/src/index.js';
import { localMachine } from '../../build/src/local/machine.js';
import { nodeProcess } from '../../build/src/local/process.js';

const { command, root, version, inputs, ...folders } = JSON.parse(process.argv[2]);
let came;
if (command === undefined) {
  const openProject = () => localMachine.openProject(root);
  const builder = new SlurmBuilder(folders, { ...localMachine, openProject });
  const { success, errors } = await builder.buildSlurmPackage(version, { inputs });
  came = { success, errors };
} else {
  let [lines, bytes] = [0, 0];
  const onLine = (line) => {
    lines += 1;
    bytes += line.length + 1;
  };
  await nodeProcess.run(command, { onLine });
  came = { lines, bytes };
}
console.log(JSON.stringify({ ...came, memory: process.resourceUsage().maxRSS * 1024 }));

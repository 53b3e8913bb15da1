// Saves and restores entries as the action does, in a process of its own:
// node program.mjs <folder with the compiled src> <job file> <report file>
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [built, jobFile, reportFile] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(built, 'src', name)).href);
const { actionsCache } = await load('action/stores.js');
const { CacheEntries } = await load('cache/entries.js');

const job = JSON.parse(readFileSync(jobFile, 'utf8'));
const workspace = process.env.GITHUB_WORKSPACE;
// Requests to the runner's cache server go through a service that puts faults on them.
if (job.through !== undefined)
  process.env.ACTIONS_CACHE_URL = job.through + process.env.ACTIONS_CACHE_URL.replace('http://', '');

/** As a build has them: what one step finds damaged, a later one knows. */
function makeEntries(log) {
  const write = (level) => (message) => log.push({ level, message });
  const logger = { debug: write('info'), info: write('info'), warning: write('warning') };
  const policy = { restore: true, save: true, scopes: ['open'] };
  const transfer = join(workspace, '.slurm-factory');
  const store = actionsCache(workspace, undefined, process.env.ACTIONS_CACHE_SERVICE_V2 === undefined);
  return new CacheEntries(store, policy, logger, transfer, { limits: job.limits });
}

async function run({ operation, key, folder }, { log, entries }) {
  const before = log.length;
  const begun = Date.now();
  const restored = operation === 'restore' ? await entries.restore(key, folder) : undefined;
  if (operation === 'save') await entries.save(key, folder);
  return { restored, log: log.slice(before), milliseconds: Date.now() - begun };
}

function begin() {
  const log = [];
  return { log, entries: makeEntries(log) };
}

const reports = [];
if (job.atOnce) reports.push(...(await Promise.all(job.steps.map((step) => run(step, begin())))));
else {
  const build = begin();
  for (const step of job.steps) reports.push(await run(step, build));
}
writeFileSync(reportFile, JSON.stringify(reports));
// As the action's entries do.
process.exit();

#!/usr/bin/env node
// Writes data/measured-builds.json, which plans take minutes and packages from, out of what builds said:
//   node scripts/measure-builds.mjs --day DAY --machine TEXT --fresh SECONDS LOG… [--busy LOG…] [--results FOLDER…]
// A log is what `slurm-factory build` or `npm run bench` printed, or a file of --log-file, which has times. Of those
// behind --busy, of a machine that did other things too, the lists of packages are taken and the times of small ones.
// In the folders behind --results manifests are looked for, for the hashes. --fresh is what a new runner does first.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const { parseTarget } = await import('../build/src/targets/identifier.js');
const { parseMeasured, measuredPath } = await import('../build/src/plan/work.js');

const text = { type: 'string' };
const several = { type: 'string', multiple: true, default: [] };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { day: text, machine: text, fresh: text, busy: several, results: several },
});

const stageLine = /^ {3}([A-Z][A-Za-z ]+): ([\d.]+) s$/;
const packageLine = /^\[\d+\/\d+\] ([a-z0-9-]+)@\S+: (.+)$/;
const round = (seconds) => Math.round(seconds * 10) / 10;

/** The builds of a log, those that came to their end. */
function buildsIn(file) {
  const builds = [];
  let build;
  for (const whole of readFileSync(file, 'utf8').split('\n')) {
    const [, time, line = ''] = /^(?:(\d{4}-\S+Z) [a-z]+ )?(.*)$/.exec(whole) ?? [];
    const [, target] = /^Target (\S+), content key /.exec(line) ?? [];
    if (target !== undefined) {
      build = { target, stages: {}, packages: new Map(), done: false };
      builds.push(build);
    }
    if (build === undefined) continue;
    const [, title, seconds] = stageLine.exec(line) ?? [];
    if (title !== undefined) build.stages[title] = (build.stages[title] ?? 0) + Number(seconds);
    if (line === '== Hand out the files') build.done = true;
    const [, name, phase] = packageLine.exec(line) ?? [];
    if (name === undefined) continue;
    const known = build.packages.get(name) ?? { built: false };
    if (phase === 'staging') Object.assign(known, { built: true, from: time });
    if (phase === 'installed') known.to = time;
    build.packages.set(name, known);
  }
  return builds.filter((one) => one.done && one.packages.size > 0);
}

/** Hashes of packages by target and name, out of manifests. */
function hashesIn(folders) {
  const hashes = new Map();
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('-manifest.json'));
    for (const file of files) {
      const { target, specs } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      const built = specs.filter(({ external }) => external === undefined);
      for (const { name, hash } of built) hashes.set(`${target} ${name}`, hash);
    }
  }
  return hashes;
}

/** How much of Slurm was compiled, by what was compiled before it on the same caches. */
function compiledOf({ target, packages }, earlier) {
  if (packages.get('slurm')?.built !== true) return 'none';
  const versions = earlier
    .filter(({ packages: own }) => own.get('slurm')?.built)
    .map((one) => parseTarget(one.target).version);
  const { version } = parseTarget(target);
  const series = (one) => one.split('.').slice(0, 2).join('.');
  if (versions.includes(version)) return 'other-gpu';
  return versions.some((one) => series(one) === series(version)) ? 'other-release' : 'cold';
}

const hashes = hashesIn(values.results);

function entryOf(build, earlier, busy) {
  const { gpu, dependencies } = parseTarget(build.target);
  const { Install: install = 0, ...others } = build.stages;
  const rest = Object.values(others).reduce((sum, seconds) => sum + seconds, 0);
  const packages = [...build.packages].map(([name, { built, from, to }]) => {
    const hash = hashes.get(`${build.target} ${name}`);
    const isTimed = built && from !== undefined && to !== undefined && !(busy && name === 'slurm');
    return {
      name,
      ...(hash === undefined ? {} : { hash }),
      ...(isTimed ? { seconds: round((Date.parse(to) - Date.parse(from)) / 1000) } : {}),
    };
  });
  return {
    ...{ target: build.target, gpu, dependencies, compiled: compiledOf(build, earlier) },
    ...(busy ? { busy } : { install: round(install), rest: round(rest) }),
    packages: packages.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const entriesOf = (files, busy) =>
  files.flatMap((file) => {
    const builds = buildsIn(file);
    return builds.map((build, index) => entryOf(build, builds.slice(0, index), busy));
  });

const measured = {
  comment:
    "Written by scripts/measure-builds.mjs. Seconds of builds from source, and what their locks have that is not the distribution's. Where busy is true, the machine did other things too.",
  machine: values.machine,
  day: values.day,
  fresh: { seconds: Number(values.fresh), source: 'docs/performance.md: clones and the builder image' },
  builds: [...entriesOf(positionals, false), ...entriesOf(values.busy, true)],
};
const written = `${JSON.stringify(measured, undefined, 2)}\n`;
parseMeasured(written);
writeFileSync(resolve(root, measuredPath), written);
console.log(`${measuredPath}: ${measured.builds.length} builds`);

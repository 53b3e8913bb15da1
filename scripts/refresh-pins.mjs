#!/usr/bin/env node
// Moves the pins of Spack and spack-packages in data/pins.json to their newest releases. A pin at a commit that is
// newer than the newest release stays. With --check nothing is asked or written: only the form is looked at.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askTags, withCommits } from './refresh/git.mjs';
import { movedPin, newerRelease, releaseTags } from './refresh/pins.mjs';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    // For tests: another project's folder.
    root: { type: 'string', default: resolve(import.meta.dirname, '..') },
  },
});
const file = join(values.root, 'data', 'pins.json');
const pins = JSON.parse(readFileSync(file, 'utf8'));
const names = Object.keys(releaseTags);

if (values.check) {
  const wrong = names.filter((name) => !/^[0-9a-f]{40}$/.test(pins[name]?.commit ?? ''));
  for (const name of wrong) console.error(`data/pins.json: the commit of ${name} is none.`);
  if (wrong.length > 0) process.exit(1);
  console.log('The pins are commits.');
} else {
  const moved = { ...pins };
  for (const name of names) {
    const pin = pins[name];
    const newer = newerRelease(name, pin, askTags(pin.git, 'v*'));
    if (newer !== undefined) {
      const date = withCommits(pin.git, [newer.commit], (clone) => clone.date(newer.commit));
      moved[name] = movedPin(pin, newer, date);
    }
    const stays = moved[name].commit === pin.commit;
    console.log(`${name} ${stays ? `stays at ${pin.commit}` : `is ${newer.tag}, ${newer.commit} now`}.`);
  }
  writeFileSync(file, `${JSON.stringify(moved, undefined, 1)}\n`);
}

#!/usr/bin/env node
// Writes the digests of the base images into toolchains/*/toolchain.yaml, as the registries have them now. One that
// no registry tells stays, with a word. With --check nothing is asked or written: only the form is looked at.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askDigest, baseOf, withDigest } from './refresh/images.mjs';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const toolchains = resolve(import.meta.dirname, '..', 'toolchains');
const ids = readdirSync(toolchains, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name } of ids) {
  const file = join(toolchains, name, 'toolchain.yaml');
  const text = readFileSync(file, 'utf8');
  const { image, digest } = baseOf(text);
  if (values.check) continue;
  try {
    const asked = await askDigest(image);
    writeFileSync(file, withDigest(text, asked));
    console.log(`${name}: ${image} is ${asked}${asked === digest ? ', as before' : ''}`);
  } catch (error) {
    console.log(
      `${name}: the digest of ${image} stays ${digest ?? 'unset'}: ${error.cause?.code ?? error.message}`,
    );
  }
}
if (values.check) console.log(`The base images of ${ids.length} toolchains can be read.`);

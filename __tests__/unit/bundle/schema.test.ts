import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { manifestSchema, manifestSchemaId } from '../../../src/bundle/manifest.js';
import { manifestJsonSchema } from '../../../src/bundle/schema.js';

const published = JSON.parse(
  readFileSync(new URL('../../../docs/manifest.schema.json', import.meta.url), 'utf8'),
);

test('the published schema is what the source gives', () => {
  // Out of date? Run: node scripts/write-schema.mjs
  expect(published).toEqual(manifestJsonSchema());
});

test('the schema is named, and knows every field of the manifest', () => {
  expect(published.$id).toBe(manifestSchemaId);
  expect(Object.keys(published.properties).sort()).toEqual(Object.keys(manifestSchema.shape).sort());
});

test('fields of later versions are allowed, what the first version had is required', () => {
  expect(JSON.stringify(published)).not.toContain('"additionalProperties":false');
  expect(published.required).toEqual(
    Object.entries(manifestSchema.shape)
      .filter(([, field]) => !field.safeParse(undefined).success)
      .map(([name]) => name),
  );
  for (const later of ['$schema', 'runtimeInstall', 'sbom']) expect(published.required).not.toContain(later);
});

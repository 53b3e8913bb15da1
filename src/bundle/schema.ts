import { z } from 'zod';
import { manifestSchema, manifestSchemaId } from './manifest.js';

/**
 * The manifest's JSON Schema, as docs/manifest.schema.json publishes it. Fields that it does not know are
 * allowed: a later version may add some.
 */
export function manifestJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(manifestSchema, { io: 'input' });
  return {
    $schema,
    $id: manifestSchemaId,
    title: 'Manifest of a target of slurm-factory',
    ...schema,
  };
}

import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { parseJson } from '../base/json.js';

/** Spack's indexes of the pinned packages: they are decided by two commits, so the project brings them. */
export interface ShippedIndexes {
  /** Commits. */
  readonly spack: string;
  readonly packages: string;
  /** Texts by their paths below Spack's cache: `patches/builtin-….json`. */
  readonly files: Readonly<Record<string, string>>;
}

/** Path in the project; `scripts/refresh-indexes.mjs` writes it. */
export const shippedPath = 'data/spack-indexes.json.gz';

/** bytes; it has a million */
const mostBytes = 1 << 26;

const shippedSchema = z.object({
  spack: z.string(),
  packages: z.string(),
  files: z.record(z.string().regex(/^(?:patches|providers|tags)\/[\w.-]+$/), z.string()),
});

/**
 * Reads the file.
 * @throws ConfigurationError
 */
export function parseShipped(bytes: Buffer): ShippedIndexes {
  const parsed = shippedSchema.safeParse(
    parseJson(gunzipSync(bytes, { maxOutputLength: mostBytes }).toString('utf8')),
  );
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${shippedPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

import { z } from 'zod';
import { PackagingError } from '../base/errors.js';
import { bundleFile } from '../bundle/manifest.js';

/** `index.json`: what a release has. `get`, the page and the next release's notes go by it. */

/** Names the schema, whatever address it is read from; `$schema` of an index and `$id` of the schema. */
export const indexSchemaId = 'urn:slurm-factory:index:1';

const word = (pattern: RegExp, longest = 200) => z.string().max(longest).regex(pattern);
const sha256 = word(/^[0-9a-f]{64}$/);
const version = word(/^\d+\.\d+\.\d+$/);
const month = word(/^\d{4}-\d{2}$/);
const glibc = word(/^\d+\.\d+$/);
const identifier = word(/^slurm-[a-z0-9._-]+$/, 500);
const fingerprint = word(/^[0-9A-F]{40,64}$/);

/** The most of each list; a release of everything has a tenth of it at most. */
const most = { targets: 5000, files: 20, packages: 6000, releases: 500, ids: 200 } as const;

const file = bundleFile.extend({
  name: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 500).describe('a file beside the index, or at `downloads`'),
});

const target = z.object({
  identifier,
  contentKey: sha256.describe('sha256 over all that decides the bytes of the tarballs'),
  slurmVersion: version,
  dependencies: z.enum(['system', 'bundled', 'self-contained']),
  platform: word(/^[a-z][a-z0-9.]*$/).describe(
    'what it runs on: a distribution for system, else the oldest glibc, glibc2.34',
  ),
  glibc: glibc.optional().describe('the oldest glibc that it runs with, where it brings its libraries'),
  distribution: z
    .object({
      name: word(/^[^\p{Cc}<>&"]*$/u),
      id: word(/^[a-z0-9._-]+$/).describe('ID of os-release'),
      version: word(/^[0-9.]*$/).describe('VERSION_ID of os-release, or what stands in front of its dot'),
    })
    .optional()
    .describe('what it was built with; a system target runs on nothing else'),
  arch: word(/^[a-z0-9]+$/).describe('amd64 or arm64'),
  gpu: word(/^[a-z0-9]+$/).describe('none, cuda, rocm, oneapi or all'),
  features: z
    .array(word(/^[a-z0-9_]+$/))
    .max(most.ids)
    .describe("variants of Slurm's recipe that are switched on"),
  choice: word(/^[a-z0-9_-]+$/)
    .optional()
    .describe('what it has beside or without the default features, as its identifier says it'),
  source: z.boolean().optional().describe('true where Slurm is from a source of its own, see the manifest'),
  tested: z.boolean().describe('whether a report of a passed smoke test is among the files'),
  signed: z.boolean().describe('whether signatures of the tarballs and the sums are among the files'),
  packages: z
    .array(
      z.object({
        name: word(/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/),
        version: word(/^[A-Za-z0-9_.:+~^=/-]*$/),
      }),
    )
    .max(most.packages)
    .describe('what Spack built, and the libraries that the tarball brings'),
  files: z.array(file).max(most.files),
});

export const indexSchema = z.object({
  $schema: word(/^[!-~]*$/, 500).optional(),
  schema: z.literal(1).describe('raised when a field changes its meaning; new fields may come without it'),
  name: word(/^[^\p{Cc}]+$/u, 300).describe('what the release is called: its tag, or the name of its folder'),
  downloads: word(/^https?:\/\/[!-~]+\/$/, 2000)
    .optional()
    .describe('address that the names of the files are added to, where they are not beside the index'),
  page: word(/^https?:\/\/[!-~]+$/, 2000)
    .optional()
    .describe('address of the release for people'),
  signing: z
    .object({ fingerprint, key: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/).describe('file of the public key') })
    .optional()
    .describe('whose signature SHA256SUMS has; the key beside the files shows damage, not who made them'),
  releases: z
    .array(
      z.object({
        version,
        series: word(/^\d+\.\d+$/),
        date: word(/^\d{4}-\d{2}-\d{2}$/)
          .optional()
          .describe('day of the release of Slurm'),
        supportUntil: month.optional().describe("last month of SchedMD's support, where that is known"),
        vulnerabilities: z
          .array(word(/^CVE-\d{4}-\d+$/))
          .max(most.ids)
          .describe('known when the index was made'),
        mendedIn: z.array(version).max(most.ids),
      }),
    )
    .max(most.releases)
    .describe('releases of Slurm, the newest first'),
  targets: z.array(target).max(most.targets),
  missing: z.array(identifier).max(most.targets).describe('targets that were planned and are not here'),
});

/** What `index.json` says. */
export type ReleaseIndex = z.infer<typeof indexSchema>;
/** One of its targets. */
export type IndexTarget = ReleaseIndex['targets'][number];
/** One of its releases of Slurm. */
export type IndexRelease = ReleaseIndex['releases'][number];

/** Bytes that an index may have; one of 200 targets has one million. */
export const indexLimit = 64 << 20;

/**
 * Reads an index.
 * @param place where it is from, for the message
 * @throws PackagingError when it is none
 */
export function parseIndex(text: string, place: string): ReleaseIndex {
  const wrong = (reason: string) =>
    new PackagingError(
      `${place} is not an index of a release: ${reason}.`,
      'Name an index.json that `slurm-factory publish` wrote, or its folder.',
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw wrong('it is not JSON');
  }
  const parsed = indexSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw wrong(`${first?.path.join('.') || 'it'}: ${first?.message ?? 'not valid'}`);
}

/** Text of an index; the same facts give the same text. */
export const formatIndex = (index: ReleaseIndex): string => `${JSON.stringify(index, undefined, 1)}\n`;

/** The index's JSON Schema, as docs/index.schema.json publishes it. */
export function indexJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(indexSchema, { io: 'input' });
  return { $schema, $id: indexSchemaId, title: 'Index of a release of slurm-factory', ...schema };
}

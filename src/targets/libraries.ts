import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { matches } from '../base/text.js';

/** Where it is said what becomes of libraries, below the project's root. */
export const librariesPath = 'data/libraries.yaml';

/** A soname, or a pattern of sonames with `*` for any part. */
const soname = z.string().regex(/^lib[A-Za-z0-9_.*+-]+$|^ld-linux-[A-Za-z0-9_.*-]+$/);
// Part of a path of the tarball.
const name = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/);

const hostLibraries = z.strictObject({
  libraries: z.array(soname).min(1),
  reason: z.string(),
  /** What of Slurm is missing on a machine without them; all of Slurm where there is none. */
  feature: z.string().optional(),
  /** The recipe's variant that opens them by name, all of which are told then; no ELF file lists them. */
  opened: z.string().optional(),
  /** The package that has them, by the program that installs it. */
  packages: z.partialRecord(z.enum(['apt-get', 'pacman']), z.string()),
});

const schema = z.strictObject({
  host: z.array(hostLibraries),
  named: z.array(z.strictObject({ library: soname, aliases: z.array(soname), reason: z.string() })),
  plugins: z.array(
    z.strictObject({ library: soname, from: z.array(z.string()), to: name, reason: z.string() }),
  ),
  blanked: z.array(
    z.strictObject({ library: soname, /** Regular expression. */ text: z.string(), reason: z.string() }),
  ),
});

/** What becomes of the libraries that Slurm links, where a tarball brings them. */
export type Libraries = z.infer<typeof schema>;
export type HostLibraries = z.infer<typeof hostLibraries>;

/** Folder of a tarball that has the libraries it brings. */
export const graftFolder = 'lib/bundled';

/**
 * Reads `data/libraries.yaml`.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseLibraries(text: string): Libraries {
  const parsed = schema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${librariesPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

/** What is said of a library that stays the host's; undefined for one that a tarball brings. */
export const hostLibrary = ({ host }: Libraries, soname: string): HostLibraries | undefined =>
  host.find(({ libraries }) => libraries.some((pattern) => matches(pattern, soname)));

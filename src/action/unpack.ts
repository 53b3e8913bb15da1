import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The service's client unpacks what it downloads with `tar -P`: wherever the archive's names and links lead,
 * before anybody can look at it. This stands in for tar meanwhile. It unpacks the one folder that the entry is
 * for, without -P: GNU tar then follows neither `..` nor a link out of it. The client's archive is known by
 * its name; all else goes to tar as it comes.
 */
const standIn = `#!/bin/sh
own=\${0%/*}
PATH=\${PATH#"$own:"}
case "$1 \${2##*/}" in
  '-xf cache.tzst' | '-xf cache.tgz') ;;
  *) exec tar "$@" ;;
esac
for word; do
  shift
  [ "$word" = -P ] || set -- "$@" "$word"
done
exec tar "$@" -- "$SLURM_FACTORY_UNPACK"
`;

let users = 0;
let opened: Promise<() => Promise<void>> | undefined;

/**
 * Has the client unpack below `folder` only, while `body` runs. Several may run at once, for the same folder.
 * @param folder relative to the workspace
 * @param scratch a folder; the system's for temporary files when left out
 */
export async function unpackingInto<T>(
  folder: string,
  body: () => Promise<T>,
  env: NodeJS.ProcessEnv = process.env,
  scratch: string = env['RUNNER_TEMP'] || tmpdir(),
): Promise<T> {
  users += 1;
  opened ??= open(folder, env, scratch);
  const close = await opened.catch((error: unknown) => {
    users -= 1;
    if (users === 0) opened = undefined;
    throw error;
  });
  if (env['SLURM_FACTORY_UNPACK'] !== folder)
    throw new Error(`entries are unpacked to another folder than ${folder}`);
  try {
    return await body();
  } finally {
    users -= 1;
    if (users === 0) {
      opened = undefined;
      await close();
    }
  }
}

async function open(folder: string, env: NodeJS.ProcessEnv, scratch: string): Promise<() => Promise<void>> {
  // As the client itself does: a job may have taken the runner's folder away.
  await mkdir(scratch, { recursive: true });
  const place = await mkdtemp(join(scratch, 'slurm-factory-tar-'));
  await writeFile(join(place, 'tar'), standIn, { mode: 0o755, flag: 'wx' });
  const path = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  env['PATH'] = `${place}:${path}`;
  env['SLURM_FACTORY_UNPACK'] = folder;
  return async () => {
    env['PATH'] = path;
    delete env['SLURM_FACTORY_UNPACK'];
    await rm(place, { recursive: true, force: true });
  };
}

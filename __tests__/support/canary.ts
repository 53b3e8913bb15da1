import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Programs that write down, each time they are started, the arguments and the environment of every process of
 * the product, of all that it started and of all in containers, as any process of this user can read them;
 * then they are the real program.
 */
export interface Watch {
  /** Goes in front of PATH. */
  readonly folder: string;
  /** What was seen so far. */
  seen(): string;
}

const script = (record: string, folder: string): string => `#!/usr/bin/python3
import glob, os, sys

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().replace(b"\\0", b"\\n")
    except OSError:
        return b""

parents, shown = {}, {}
for folder in glob.glob("/proc/[0-9]*"):
    pid = int(folder[6:])
    stat = read(folder + "/stat").rpartition(b")")[2].split()
    if len(stat) > 1:
        parents[pid] = int(stat[1])
        shown[pid] = (read(folder + "/cmdline"), read(folder + "/environ"))

def is_root(pid):
    words = shown[pid][0].split(b"\\n")
    return words[0].endswith(b"containerd-shim-runc-v2") or any(
        b"/dist/" in word and word.endswith(b"/index.js") for word in words[:8]
    )

def is_ours(pid):
    while pid in parents:
        if is_root(pid):
            return True
        pid = parents[pid]
    return False

with open(${JSON.stringify(record)}, "ab") as file:
    for pid in sorted(shown):
        if is_ours(pid):
            file.write(b"== %d\\n%s\\n%s\\n" % (pid, *shown[pid]))

name = os.path.basename(sys.argv[0])
for folder in os.environ["PATH"].split(":"):
    program = os.path.join(folder, name)
    if folder != ${JSON.stringify(folder)} and os.access(program, os.X_OK):
        os.execv(program, [program, *sys.argv[1:]])
sys.exit(127)
`;

/**
 * Makes such programs.
 * @param root a folder for them, which is made
 */
export function watchPrograms(root: string, names: readonly string[]): Watch {
  const [folder, record] = [join(root, 'bin'), join(root, 'seen')];
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    writeFileSync(join(folder, name), script(record, folder));
    chmodSync(join(folder, name), 0o755);
  }
  return { folder, seen: () => (existsSync(record) ? readFileSync(record, 'utf8') : '') };
}

/** PATH with the watching programs in front. */
export const watchedPath = ({ folder }: Watch): string => `${folder}${delimiter}${process.env['PATH'] ?? ''}`;

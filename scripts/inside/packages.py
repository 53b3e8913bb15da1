"""Which package of the distribution holds a file. Part of the scripts that run within a session."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor


def owning_packages(paths, manager):
    """Names of the distribution's packages by the paths that they hold; the others are left out."""
    return (dpkg_owners if manager == "dpkg" else rpm_owners)(paths)


def spellings(path):
    """A package may know a file by its name before or after /usr was merged."""
    names = [path, os.path.realpath(path)]
    return names + [n[4:] if n.startswith("/usr/") else f"/usr{n}" for n in names]


def dpkg_owners(paths):
    wanted = {name: path for path in reversed(paths) for name in spellings(path)}
    if not wanted:
        return {}
    result = subprocess.run(
        ["dpkg-query", "--search", *wanted], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    owners = {}
    for line in result.stdout.splitlines():
        packages, _, name = line.rpartition(": ")
        if name in wanted and not packages.startswith("diversion "):
            owners[wanted[name]] = packages.split(",")[0].split(":")[0]
    return owners


def rpm_owners(paths):
    command = ["rpm", "--query", "--queryformat", "%{NAME}\n", "--file"]

    def ask(path):
        for name in spellings(path):
            result = subprocess.run([*command, name], capture_output=True, text=True)
            if result.returncode == 0:
                return path, result.stdout.splitlines()[0]
        return path, None

    with ThreadPoolExecutor() as threads:
        return {path: owner for path, owner in threads.map(ask, paths) if owner}


def unpack_packages(folder, into):
    """Unpacks Debian packages of a folder, which nothing installs. Returns what is known of them."""
    wanted = "${Package}\t${Version}\t${Architecture}\t${source:Package} ${source:Version}"
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.endswith(".deb") or os.path.islink(path):
            continue
        command = ["dpkg-deb", "--show", f"--showformat={wanted}", path]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.append(dict(zip(("name", "version", "arch", "source"), told.split("\t"))))
        subprocess.run(["dpkg-deb", "--extract", path, into], check=True)
    return found

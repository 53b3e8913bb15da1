"""Brings further packages into a tree, as src/bundle/further.ts asks for it.

Runs inside the build's session, behind the texts of elf.py and licences.py: python3 -c <all texts> REQUEST
The request and what is printed are JSON. Each package comes to where it lies in Spack's store, below packages/ of
the tree. Its RUNPATHs and links become relative. In place of the store's other paths comes one that is nowhere, the
mark, as long as the store's own; packages/relocate.list has the files in which it stands, and packages/relocate
writes the path into them that the tree gets.
"""

import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

# Spack's words for the padding, where it tells people of a path.
PADDED = "[padded-to-{}-chars]"
# With the time, no two builds would have the same bytes.
MODULE_TIME = re.compile(rb"(created by spack \(\S+\)) on [0-9][0-9 :.-]*")


class Further:
    def __init__(self, request):
        self.request = request
        self.tree, self.slurm, self.store = request["tree"], request["slurm"], request["store"]
        self.folder = os.path.join(self.tree, "packages")
        self.root = store_root(self.slurm)
        self.mark = request["mark"].ljust(len(self.root), "_")
        self.copied = {
            spec["prefix"]: os.path.join(self.folder, os.path.relpath(spec["prefix"], self.root))
            for spec in request["packages"]
        }
        for name, path in request["views"].items():
            # What Spack calls by its name is a link to the view.
            self.copied[os.path.realpath(path)] = os.path.join(self.folder, "views", name)
        if request["modules"]:
            self.copied[request["modules"]] = os.path.join(self.folder, "modulefiles")
        self.places = {**self.copied, self.slurm: self.tree}
        self.places.update({path: os.path.join(self.folder, "views", name) for name, path in request["views"].items()})
        # One may lie within another.
        self.places = dict(sorted(self.places.items(), key=lambda place: len(place[0]), reverse=True))
        self.listed, self.dropped = [], []

    def moved(self, path):
        """Where something of the store lies in the tree; None for what is not there."""
        for old, new in self.places.items():
            if path == old or path.startswith(f"{old}/"):
                return new + path[len(old) :]
        return None

    def bring(self):
        for old, new in self.copied.items():
            os.makedirs(os.path.dirname(new), exist_ok=True)
            options = ["--recursive", "--no-dereference", "--preserve=mode,timestamps", "--reflink=auto"]
            run("cp", *options, "--no-target-directory", old, new)
            # What Spack notes down of its builds and modules is full of the build's paths.
            shutil.rmtree(os.path.join(new, ".spack"), ignore_errors=True)
        for system in ("lmod", "tcl"):
            index = os.path.join(self.folder, "modulefiles", system, "module-index.yaml")
            if os.path.exists(index):
                os.unlink(index)
        files = []
        for path, original in self.entries():
            if os.path.islink(path):
                self.relink(path, original)
            elif os.path.isfile(path):
                files.append((path, original))
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            self.listed = sorted(found for found in threads.map(lambda job: self.clean(*job), files) if found)
        self.add_sbang()
        # One link may have led to another.
        for path, _ in list(self.entries()):
            if os.path.islink(path) and not os.path.exists(path):
                self.drop(path)
        self.write()

    def entries(self):
        """Each file and link that came, with the path that it had."""
        for old, new in self.copied.items():
            for folder, folders, names in os.walk(new):
                for name in sorted(folders + names):
                    path = os.path.join(folder, name)
                    if os.path.islink(path) or name in names:
                        yield path, old + path[len(new) :]

    def drop(self, path):
        self.dropped.append(os.path.relpath(path, self.tree))
        os.unlink(path)

    def relink(self, path, original):
        """Makes a link relative; one that leaves what comes along goes."""
        to = os.readlink(path)
        place = self.moved(os.path.normpath(os.path.join(os.path.dirname(original), to)))
        if place is None:
            if os.path.isabs(to):
                self.drop(path)
            return
        relative = os.path.relpath(place, os.path.dirname(path))
        if relative != to:
            os.unlink(path)
            os.symlink(relative, path)

    def clean(self, path, original):
        """Takes debug sections and the build's paths out of a file. Returns its line in the list, if it has one."""
        os.chmod(path, os.stat(path).st_mode & 0o755 | 0o600)
        with open(path, "rb") as file:
            start = file.read(8)
        if start[:4] == b"\x7fELF" or start == b"!<arch>\n":
            strip(path)
            elf = read_elf(path)
            if elf and elf.tags:
                self.set_runpath(path, elf, original)
        with open(path, "rb") as file:
            before = file.read()
        binary = b"\0" in before
        data = replace_paths(before, self.ways(binary))
        if not binary and path.startswith(os.path.join(self.folder, "modulefiles", "")):
            data = MODULE_TIME.sub(rb"\1", data)
        if data != before:
            with open(path, "wb") as file:
                file.write(data)
        kind = "binary" if binary else "text"
        return (os.path.relpath(path, self.folder), kind) if self.mark.encode() in data else None

    def set_runpath(self, path, elf, original):
        here, folders = os.path.dirname(path), []
        for folder in elf.folders():
            plain = folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", os.path.dirname(original))
            place = self.moved(os.path.normpath(plain))
            # What is not there is the distribution's, or Spack's copy of the compiler's libraries.
            if place and os.path.isdir(place):
                relative = os.path.relpath(place, here)
                folders.append("$ORIGIN" if relative == "." else f"$ORIGIN/{relative}")
        wanted = list(dict.fromkeys(folders))
        if wanted != elf.folders():
            patchelf(*(["--set-rpath", ":".join(wanted)] if wanted else ["--remove-rpath"]), path)

    def ways(self, binary):
        """What comes in the place of the build's paths: in what is compiled, as many characters."""
        slurm = f"{self.mark}/.."
        ways = [(self.slurm, slurm.ljust(len(self.slurm), "/") if binary else slurm), (self.root, self.mark)]
        if not binary:
            padded = os.path.join(self.store, PADDED.format(len(self.root)))
            ways += [(padded, self.mark), (self.sbang, f"{self.mark}/bin/sbang")]
            ways += [
                (old, self.mark + new[len(self.folder) :])
                for old, new in self.places.items() if not old.startswith(f"{self.root}/")
            ]  # fmt: skip
        return ways + nowhere(self.request["folders"])

    @property
    def sbang(self):
        """What starts scripts whose interpreter has a long path; Spack puts it above the padding."""
        return os.path.join(self.store, "bin", "sbang")

    def add_sbang(self):
        texts = [path for path, kind in self.listed if kind == "text"]
        start = f"#!/bin/sh {self.mark}/bin/sbang".encode()
        if any(begins_with(os.path.join(self.folder, path), start) for path in texts):
            target = os.path.join(self.folder, "bin", "sbang")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(self.sbang, target)
            os.chmod(target, 0o755)

    def write(self):
        os.makedirs(self.folder, exist_ok=True)
        lines = [f"width\t{len(self.root)}", *(f"{kind}\t{path}" for path, kind in self.listed)]
        with open(os.path.join(self.folder, "relocate.list"), "w") as file:
            file.writelines(f"{line}\n" for line in lines)
        program = os.path.join(self.folder, "relocate")
        with open(program, "w") as file:
            file.write(self.request["program"])
        os.chmod(program, 0o755)


def store_root(prefix):
    """The folder of the store that a prefix lies in: that of Spack's database."""
    folder = os.path.dirname(prefix)
    while not os.path.isdir(os.path.join(folder, ".spack-db")):
        if folder == "/":
            raise ValueError(f"{prefix} lies in no store of Spack's")
        folder = os.path.dirname(folder)
    return folder


def begins_with(path, start):
    with open(path, "rb") as file:
        return file.read(len(start)) == start


def strip(path):
    try:
        run("strip", "--strip-debug", "--enable-deterministic-archives", path)
    except ValueError:
        # For another machine, a firmware or the like. The audit says what is wrong with it, if anything.
        return


def main(text):
    os.umask(0o022)
    request = json.loads(text)
    job = Further(request)
    job.bring()
    packages = [
        {"hash": spec["hash"], "path": os.path.relpath(job.copied[spec["prefix"]], job.tree)}
        for spec in request["packages"]
    ]
    without = built_licences(request["packages"], request)
    answer = {"schema": 1, "width": len(job.root), "packages": packages}
    json.dump({**answer, "unlicensed": without, "dropped": job.dropped}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

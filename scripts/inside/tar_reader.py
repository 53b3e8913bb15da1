"""Reads a tarball that nobody has looked at yet, as a stream and within limits; elf_inventory.py uses it.

What is beyond the limits, and what programs take in different ways, is damage.
"""

import gzip
import os
import stat
import sys
import zlib

MIB = 1 << 20
# A tree of Slurm has some 900 entries and 30 MB, with debug files some 300 MB, the largest of them 40 MB.
MOST_ENTRIES = 50_000
LARGEST_FILE = 256 * MIB
MOST_BYTES = 1024 * MIB
# Linux has 4096 for a path, and a prefix stands before this one; file systems have 255 for a name.
LONGEST_PATH, LONGEST_NAME, DEEPEST = 1024, 255, 32
# All names together: some 60 KB for Slurm.
MOST_TEXT = 8 * MIB
# All that stands before one member: a path and a link's target have some hundred bytes, an extended attribute
# up to 64 KiB.
MOST_HEADERS = 256 * 1024


class Damage(Exception):
    """What is wrong with an archive as a whole."""


class Reader:
    """An archive's bytes behind gzip, one after the other, up to a limit."""

    def __init__(self, archive):
        # What is no plain file could be endless, or keep this waiting.
        descriptor = os.open(archive, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        self.file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            sys.exit("it is not a regular file")
        self.stream = gzip.GzipFile(fileobj=self.file)
        self.left = MOST_BYTES

    def some(self, size):
        try:
            data = self.stream.read(min(size, MIB))
        except (OSError, EOFError, zlib.error) as error:
            raise Damage(str(error) or type(error).__name__) from None
        self.left -= len(data)
        if self.left < 0:
            raise Damage(f"it unpacks to more than {MOST_BYTES // MIB} MiB")
        return data

    def pieces(self, size):
        """Exactly so many bytes, in pieces."""
        while size:
            data = self.some(size)
            if not data:
                raise Damage("unexpected end of data")
            size -= len(data)
            yield data

    def exactly(self, size):
        return b"".join(self.pieces(size))


GNU_LONG = {b"L": "path", b"K": "linkpath"}


def members(reader):
    """Members of a tar of POSIX's or GNU's format, each before its data.

    Whoever iterates has to read the data. Only what every tar takes in the same way is let through: Python's
    own reader keeps extended headers and the maps of sparse files in memory, however long they are.
    """
    extended, left = {}, MOST_HEADERS
    while True:
        block = reader.exactly(512)
        if not block.strip(b"\0"):
            break
        kind, size, fields = header(block)
        if kind not in (b"x", b"g", b"L", b"K"):
            yield member(kind, {**fields, "size": size}, extended)
            extended, left = {}, MOST_HEADERS
            continue
        left -= 512 + size
        if left < 0:
            raise Damage(f"it has extended headers of more than {MOST_HEADERS} bytes")
        data = reader.exactly(padded(size))[:size]
        found = records(data) if kind in b"xg" else {GNU_LONG[kind]: data.split(b"\0", 1)[0]}
        if kind == b"g" and set(found) - {"comment"}:
            raise Damage("it has a header for all of its members")
        if set(found) & set(extended):
            raise Damage("two headers of a member say the same, each in its own way")
        extended.update(found)
    if extended:
        raise Damage("it ends with a header for a member that does not come")
    while rest := reader.some(MIB):
        if rest.strip(b"\0"):
            raise Damage("what follows its last entry is no tar")


def header(block):
    """(type, size, other fields) of a header."""
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    if number(block[148:156]) != total or block[257:262] != b"ustar":
        raise Damage("a header is no tar header")

    def text(start, end):
        return block[start:end].split(b"\0", 1)[0]

    # GNU's format has other things in the place of the prefix.
    prefix = text(345, 500) if block[262:263] == b"\0" else b""
    name = text(0, 100)
    return block[156:157], number(block[124:136]), {
        "path": prefix + b"/" + name if prefix else name,
        "linkpath": text(157, 257),
        "mode": number(block[100:108]) & 0o7777,
        "uid": number(block[108:116]),
        "gid": number(block[116:124]),
        "uname": text(265, 297),
        "gname": text(297, 329),
    }


def number(field):
    """Octal digits, or GNU's binary number."""
    digits = field.strip(b" \0")
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
    elif not digits.strip(b"01234567"):
        value = int(digits or b"0", 8)
    else:
        raise Damage("a header has a number that is none")
    return limited(value)


def limited(value):
    if value >= 1 << 40:
        raise Damage(f"a header has the number {value}")
    return value


def records(data):
    """Keywords and values of a pax header."""
    found, start = {}, 0
    while start < len(data):
        length, space, _ = data[start : start + 12].partition(b" ")
        end = start + int(length) if length.isdigit() else 0
        keyword, equals, value = data[start + len(length) + 1 : end].partition(b"=")
        if not space or not keyword or not equals or end > len(data) or not value.endswith(b"\n"):
            raise Damage("an extended header can't be read")
        found[keyword.decode(errors="replace")] = value[:-1]
        start = end
    return found


def padded(size):
    return -(-size // 512) * 512


KINDS = {b"0": "file", b"\0": "file", b"1": "hardlink", b"2": "symlink", b"5": "folder"}
TEXTS, NUMBERS = ("path", "linkpath", "uname", "gname"), ("size", "uid", "gid")
# What an extended header may have besides, as it changes nothing.
NEUTRAL = ("mtime", "atime", "ctime", "comment")


def member(kind, fields, extended):
    """What the archive says of a member; the facts of its content are still to come."""
    fields = {**fields, **{key: extended[key] for key in TEXTS if key in extended}}
    for key in NUMBERS:
        value = extended.get(key)
        if value is not None and not (value.isdigit() and len(value) < 20):
            raise Damage("an extended header has a number that is none")
        fields[key] = fields[key] if value is None else limited(int(value))
    others = sorted(set(extended) - {*TEXTS, *NUMBERS, *NEUTRAL})
    if kind == b"S" or any(keyword.startswith("GNU.sparse") for keyword in others):
        raise Damage("it has a sparse file")
    type_ = KINDS.get(kind, "other")
    if type_ != "file" and fields["size"]:
        # Some programs skip so much, others take it for the next header.
        raise Damage("it has data that belongs to no file")
    name = fields["path"].rstrip(b"/") if type_ == "folder" else fields["path"]
    check_length(name, fields)
    text = {key: fields[key].decode(errors="surrogateescape") for key in TEXTS}
    return {
        "path": name.decode(errors="surrogateescape"),
        "type": type_,
        **{key: fields[key] for key in ("mode", "uid", "gid", "size")},
        "owners": sorted({text[key] for key in ("uname", "gname")} - {""}),
        "target": text["linkpath"] if type_ in ("symlink", "hardlink") else None,
        "attributes": [keyword[:64] for keyword in others[:8]],
        "plain": safe_path("", name.decode(errors="surrogateescape")) is not None,
        "sha256": None,
        "archive": False,
        "forbidden": [],
        "script": None,
        "elf": None,
    }


def check_length(name, fields):
    parts = name.split(b"/")
    if len(name) > LONGEST_PATH or len(parts) > DEEPEST or max(map(len, parts)) > LONGEST_NAME:
        raise Damage("it has a path that is too long or too deep")
    if len(fields["linkpath"]) > LONGEST_PATH:
        raise Damage("it has a link whose target is too long")
    if max(len(fields["uname"]), len(fields["gname"])) > LONGEST_NAME:
        raise Damage("it has an owner whose name is too long")
    if fields["size"] > LARGEST_FILE:
        raise Damage(f"it has a file of {fields['size']} bytes, more than {LARGEST_FILE // MIB} MiB")


def unpack(archive, root):
    """Unpacks below root. Returns the entries; their facts are the archive's, not those of the unpacked files.

    Raises Damage.
    """
    entries, links, text = [], [], MOST_TEXT
    reader = Reader(archive)
    for entry in members(reader):
        text -= sum(map(len, (entry["path"], entry["target"] or "", *entry["owners"], *entry["attributes"])))
        if len(entries) == MOST_ENTRIES or text < 0:
            raise Damage(f"it has more than {MOST_ENTRIES} entries, or very long names")
        entries.append(entry)
        path = safe_path(root, entry["path"])
        size = entry["size"]
        write(path if entry["type"] == "file" else None, reader.pieces(padded(size)), size, entry["mode"])
        if entry["type"] == "symlink" and path:
            links.append((path, entry["target"]))
    # Only now, so that no file was written through a link.
    for path, target in links:
        if target and "\0" not in target and not os.path.isabs(target):
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.symlink(target, path)
            except (FileExistsError, NotADirectoryError):
                pass  # The path is something else too, which is a finding.
    if not entries:
        raise Damage("it holds nothing")
    return entries


def safe_path(root, name):
    """Where a member is unpacked; None for one that is not, as its name is not plain."""
    if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
        return None
    return os.path.join(root, name)


def write(path, pieces, size, mode):
    """Writes a file's data, and reads on to the end of its last block."""
    try:
        if path:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        file = open(path or os.devnull, "wb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        file = open(os.devnull, "wb")  # The path is a folder too, or lies below a file, which is a finding.
        path = None
    with file:
        for piece in pieces:
            file.write(piece[:size])
            size -= min(size, len(piece))
    if path:
        os.chmod(path, mode & 0o777 | 0o600)

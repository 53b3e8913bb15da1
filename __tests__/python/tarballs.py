"""Tarballs, header by header: what no tar would write too."""

import gzip


def header(name, size=0, kind=b"0", link="", mode=0o644, magic=b"ustar\x0000", prefix="", uid=0, **names):
    """One block of 512 bytes with its sum."""
    block = bytearray(512)
    for at, field in (
        (0, name if isinstance(name, bytes) else name.encode()),
        (100, b"%07o\0" % mode),
        (108, b"%07o\0" % uid),
        (116, b"0000000\0"),
        (124, b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")),
        (136, b"%011o\0" % 0),
        (148, b" " * 8),
        (156, kind),
        (157, link.encode()),
        (257, magic),
        (265, names.get("uname", "").encode()),
        (297, names.get("gname", "").encode()),
        (345, prefix.encode()),
    ):
        block[at : at + len(field)] = field
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def file(name, data=b"abc", **more):
    return header(name, len(data), **more) + padded(data)


def folder(name, **more):
    return header(name, kind=b"5", mode=0o755, **more)


def symlink(name, target):
    return header(name, kind=b"2", link=target)


def record(keyword, value):
    """A line of a pax header, which begins with its own length."""
    body = b" %b=%b\n" % (keyword.encode(), value if isinstance(value, bytes) else value.encode())
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def extended(*records, kind=b"x"):
    return file("header", b"".join(record(*one) for one in records), kind=kind)


END = bytes(1024)


def write(path, *parts, end=END):
    """Compresses the parts into a file, fast. Returns its path."""
    path.write_bytes(gzip.compress(b"".join(parts) + end, 1))
    return str(path)

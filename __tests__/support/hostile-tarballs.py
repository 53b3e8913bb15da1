"""Writes tarballs that nobody's tar would: python3 hostile-tarballs.py KIND TOP FILE

They are written header by header and, where much of the same follows, compressed once and repeated.
"""

import gzip
import sys

MIB = 1 << 20
ELF = b"\x7fELF" + bytes(508)


def header(name, size=0, kind=b"0", link="", mode=0o644, magic=b"ustar\x0000"):
    block = bytearray(512)
    for at, field in (
        (0, name.encode()),
        (100, b"%07o\0" % mode),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")),
        (136, b"%011o\0" % 0),
        (148, b" " * 8),
        (156, kind),
        (157, link.encode()),
        (257, magic),
    ):
        block[at : at + len(field)] = field
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def file(name, data=b"abc", **more):
    return header(name, len(data), **more) + padded(data)


def record(keyword, value):
    body = f" {keyword}={value}\n".encode()
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def extended(*records):
    return file("header", b"".join(record(*one) for one in records), kind=b"x")


def zeros(count):
    """gzip's members of so many MiB of zeros; 1000 of them make 1 MB."""
    return gzip.compress(bytes(MIB), 9, mtime=0) * count


def parts(kind, top):
    """Bytes that are compressed, or a list of what is compressed already."""
    if kind == "zeros":  # 35 MB
        yield header(f"{top}/zeros", 35000 * MIB)
        yield [zeros(35000)]
    elif kind == "files":
        for index in range(20):
            yield header(f"{top}/file{index}", 200 * MIB)
            yield [zeros(200)]
    elif kind == "tail":
        yield file(f"{top}/file") + bytes(1024)
        yield [zeros(4000)]
    elif kind == "entries":
        yield from (header(f"{top}/{index}") for index in range(1_000_000))
    elif kind == "sparse":
        yield from (header(f"{top}/{index}", kind=b"S", magic=b"ustar  \0") for index in range(1000))
    elif kind == "sparse-pax":
        yield extended(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9" * 12))
        yield file(f"{top}/sparse", b"1\n0\n0\n")
    elif kind == "header":
        yield header("header", 1000 * MIB, kind=b"x")
        yield [zeros(1000)]
    elif kind == "headers":
        yield from (extended((f"comment{index}", "x" * 1000)) for index in range(100_000))
    elif kind == "name":
        yield header("name", 1000 * MIB, kind=b"L")
        yield [zeros(1000)]
    elif kind == "names":
        for index in range(40_000):
            deep = f"{index:06}{'n' * 200}/" * 4
            yield extended(("path", f"{top}/{deep}x")) + header("x")
    elif kind == "global":
        yield file("header", record("path", f"{top}/all"), kind=b"g") + file(f"{top}/file")
    elif kind == "twice":
        yield file("name", f"{top}/one\0".encode(), kind=b"L") + extended(("path", f"{top}/two")) + file("x")
    elif kind == "link-data":
        yield file(f"{top}/link", b"x" * 512, kind=b"2", link="bin")
    elif kind == "lone-zeros":
        yield file(f"{top}/file") + bytes(512) + file(f"{top}/hidden") + bytes(1024)
    elif kind == "no-end":
        yield file(f"{top}/file")
        return
    elif kind == "libraries":
        for index in range(5):
            yield header(f"{top}/lib{index}.so", 200 * MIB) + ELF
            yield [gzip.compress(bytes(MIB - 512)), zeros(199)]
    elif kind == "outside":
        yield file("../../../../../../../../tmp/escaped") + file("/tmp/escaped")
        yield header(f"{top}/link", kind=b"2", link="/tmp") + file(f"{top}/link/escaped")
        yield header(f"{top}/up", kind=b"2", link="../../../../../../../tmp") + file(f"{top}/up/escaped")
        yield header(f"{top}/hard", kind=b"1", link="/etc/passwd")
        yield file(f"{top}/file") + file(f"{top}/file/escaped") + file(f"{top}/a/b") + file(f"{top}/a")
    elif kind == "strange":
        yield extended(("SCHILY.xattr.security.capability", "x")) + file(f"{top}/capability")
        yield extended(("SCHILY.acl.access", "user::rwx")) + file(f"{top}/acl")
        yield extended(("LIBARCHIVE.xattr.user.x", "eA==")) + file(f"{top}/attribute")
        yield file(f"{top}/new\nline") + file(f"{top}/\x1b[2Jescape") + file(f"{top}/\u202edirection")
        yield file(f"{top}/lib/libslurm.a", b"!<arch>\n") + file(f"{top}/share/data", b"!<arch>\n")
        yield extended(("uname", "games")) + file(f"{top}/owner")
        yield header(f"{top}/null", kind=b"3") + header(f"{top}/fifo", kind=b"6")
    yield bytes(1024)


def main(kind, top, path):
    with open(path, "wb") as output:
        pending = [header(f"{top}/", kind=b"5", mode=0o755)]
        for part in parts(kind, top):
            if isinstance(part, bytes):
                pending.append(part)
            if not isinstance(part, bytes) or len(pending) > 10_000:
                output.write(gzip.compress(b"".join(pending), 1))
                pending = []
            if not isinstance(part, bytes):
                output.writelines(part)
        output.write(gzip.compress(b"".join(pending), 1))


main(*sys.argv[1:])

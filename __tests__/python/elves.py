"""Small ELF files, made section by section."""

import struct

PROGBITS, STRTAB, DYNAMIC, NOBITS = 1, 3, 6, 8
NEEDED, SONAME, RPATH, RUNPATH = 1, 14, 15, 29
EXECUTABLE, SHARED = 2, 3


def section(name, data=b"", kind=PROGBITS, link=0, size=None):
    return {"name": name, "data": data, "kind": kind, "link": link, "size": size}


def elf(*sections, kind=SHARED, machine=62):
    """A file of 64 bits with some sections, whose numbers begin with 1, and the table of their names."""
    names = b"\0"
    rows = [bytes(64)]
    content = b""
    everything = [*sections, section(".shstrtab", None, STRTAB)]
    at = []
    for one in everything:
        at.append(len(names))
        names += one["name"].encode() + b"\0"
    for one, name in zip(everything, at):
        data = names if one["data"] is None else one["data"]
        size = len(data) if one["size"] is None else one["size"]
        entry = 16 if one["kind"] == DYNAMIC else 0
        rows.append(
            struct.pack(
                "<IIQQQQIIQQ", name, one["kind"], 0, 0, 64 + len(content), size, one["link"], 0, 1, entry
            )
        )
        content += data
    head = struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, 0, kind, machine, 1),
        *(0, 0, 64 + len(content), 0, 64, 56, 0, 64, len(rows), len(rows) - 1),
    )
    return head + content + b"".join(rows)


def dynamic(*tags):
    """The sections .dynamic and .dynstr of some tags with a text each, as the first two of a file."""
    texts, entries = b"\0", b""
    for tag, text in tags:
        entries += struct.pack("<qQ", tag, len(texts))
        texts += text.encode() + b"\0"
    return section(".dynamic", entries + bytes(16), DYNAMIC, link=2), section(".dynstr", texts, STRTAB)

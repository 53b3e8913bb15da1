"""What the reader of tarballs lets through, where it unpacks, and what is damage."""

import gzip
import os
import subprocess
import tarfile

import pytest
from inside import inventory
from tarballs import END, extended, file, folder, header, padded, record, symlink, write

TOP = "slurm-24.11.6"


@pytest.fixture
def unpack(tmp_path):
    """Unpacks what is written of the parts. Gives the entries by path and the folder."""

    def run(*parts, **more):
        root = tmp_path / "tree"
        root.mkdir(exist_ok=True)
        entries = inventory.unpack(write(tmp_path / "a.tar.gz", *parts, **more), str(root))
        return {entry["path"]: entry for entry in entries}, root

    return run


@pytest.fixture
def damage(unpack):
    """What is wrong with what is written of the parts."""

    def run(*parts, **more):
        with pytest.raises(inventory.Damage) as error:
            unpack(*parts, **more)
        return str(error.value)

    return run


def test_a_plain_tree(unpack):
    entries, root = unpack(
        folder(f"{TOP}/"),
        file(f"{TOP}/bin/srun", b"program", mode=0o4755, uid=7, uname="ann", gname="staff"),
        symlink(f"{TOP}/bin/link", "srun"),
    )
    assert {path: entry["type"] for path, entry in entries.items()} == {
        TOP: "folder",
        f"{TOP}/bin/srun": "file",
        f"{TOP}/bin/link": "symlink",
    }
    program = entries[f"{TOP}/bin/srun"]
    assert (program["mode"], program["uid"], program["size"]) == (0o4755, 7, 7)
    assert program["owners"] == ["ann", "staff"]
    assert program["plain"] is True
    assert entries[f"{TOP}/bin/link"]["target"] == "srun"
    assert (root / TOP / "bin/srun").read_bytes() == b"program"
    # As the archive has them, but for what would let others write or run it as somebody else.
    assert (root / TOP / "bin/srun").stat().st_mode & 0o7777 == 0o755
    assert os.readlink(root / TOP / "bin/link") == "srun"


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_what_pythons_own_tar_writes(tmp_path, form):
    long = f"{TOP}/" + "/".join(["d" * 60] * 3) + "/file"
    path = tmp_path / "a.tar.gz"
    (tmp_path / "content").write_bytes(b"x" * 1000)
    with tarfile.open(path, "w:gz", format=form) as archive:
        archive.add(tmp_path / "content", long)
    (entry,) = inventory.unpack(str(path), str(tmp_path))
    assert (entry["path"], entry["size"]) == (long, 1000)
    assert (tmp_path / long).read_bytes() == b"x" * 1000


def test_what_gnu_tar_writes(tmp_path):
    (tmp_path / "in" / TOP).mkdir(parents=True)
    (tmp_path / "in" / TOP / ("n" * 200)).write_bytes(b"abc")
    subprocess.run(["tar", "-czf", tmp_path / "a.tar.gz", "-C", tmp_path / "in", TOP], check=True)
    (tmp_path / "out").mkdir()
    entries = inventory.unpack(str(tmp_path / "a.tar.gz"), str(tmp_path / "out"))
    assert [entry["path"] for entry in entries] == [TOP, f"{TOP}/" + "n" * 200]


@pytest.mark.parametrize(
    "name", ["../escaped", "/escaped", "a/../../escaped", "a//b", "./a", "a/./b", "a\nb", "a\x1bb", b"a\xffb"]
)
def test_a_name_that_is_not_plain_is_listed_and_not_unpacked(unpack, tmp_path, name):
    entries, root = unpack(file(name))
    (entry,) = entries.values()
    assert entry["plain"] is False
    assert list(root.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "tree"]


def test_nothing_is_written_through_a_link(unpack, tmp_path):
    _, root = unpack(
        symlink(f"{TOP}/out", ".."), symlink("up", "../"), file(f"{TOP}/out/evil"), file("up/evil")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "tree"]
    # The file was there first, so the folder keeps the place.
    assert (root / TOP / "out").is_dir() and not (root / TOP / "out").is_symlink()


@pytest.mark.parametrize("target", ["/etc/passwd", ""])
def test_a_link_that_leads_nowhere_is_not_made(unpack, target):
    _, root = unpack(symlink("link", target))
    assert not os.path.lexists(root / "link")


def test_hard_links_and_devices_are_listed_and_not_made(unpack):
    entries, root = unpack(
        file("a"), header("b", kind=b"1", link="a"), header("null", kind=b"3"), header("pipe", kind=b"6")
    )
    assert [entry["type"] for entry in entries.values()] == ["file", "hardlink", "other", "other"]
    assert [path.name for path in root.iterdir()] == ["a"]


def test_a_file_where_another_one_has_to_be_a_folder(unpack):
    entries, root = unpack(file("a"), file("a/b"), folder("c"), file("c"), file("d/e"), file("d"))
    assert (root / "a").read_bytes() == b"abc"
    assert (root / "d" / "e").read_bytes() == b"abc"
    assert len(entries) == 5


def test_extended_headers_of_pax_and_gnu(unpack):
    long = f"{TOP}/" + "n" * 150
    entries, _ = unpack(
        extended(("path", long), ("uid", "3000000"), ("mtime", "1.5"), ("SCHILY.xattr.user.a", b"\xff\n")),
        file("short"),
        file("././@LongLink", b"g" * 120 + b"\0", kind=b"L"),
        file("././@LongLink", b"t" * 130 + b"\0", kind=b"K"),
        symlink("short", "t"),
        extended(("comment", "0123"), kind=b"g"),
        file("last"),
    )
    assert list(entries) == [long, "g" * 120, "last"]
    assert entries[long]["uid"] == 3000000
    assert entries[long]["attributes"] == ["SCHILY.xattr.user.a"]
    assert entries["g" * 120]["target"] == "t" * 130
    assert entries["last"]["attributes"] == []


DAMAGED = {
    "nothing": ([], "holds nothing"),
    "a wrong sum": ([file("a")[:148] + b"000000\0 " + file("a")[156:]], "no tar header"),
    "another format": ([header("a", magic=b"other\x0000")], "no tar header"),
    "data that is missing": ([header("a", 5000)], "unexpected end"),
    "a folder with data": ([header("a", 512, kind=b"5"), bytes(512)], "belongs to no file"),
    "a link with data": ([header("a", 512, kind=b"2", link="b"), bytes(512)], "belongs to no file"),
    "a size beyond all limits": ([header("a", 1 << 41)], "has the number"),
    "a file that is too large": ([header("a", (256 << 20) + 1)], "more than 256 MiB"),
    "a sparse file of GNU": ([header("a", kind=b"S")], "sparse"),
    "a sparse file of pax": ([extended(("GNU.sparse.major", "1")), file("a")], "sparse"),
    "a global path": ([extended(("path", "b"), kind=b"g"), file("a")], "all of its members"),
    "two paths of one member": (
        [extended(("path", "b")), file("././@LongLink", b"c\0", kind=b"L"), file("a")],
        "two headers of a member",
    ),
    "a header for nobody": ([extended(("path", "b"))], "does not come"),
    "what is no record": ([file("h", b"99 path=b\n", kind=b"x"), file("a")], "can't be read"),
    "a record without a length": ([file("h", b"path=b\n", kind=b"x"), file("a")], "can't be read"),
    "a record without an end": ([file("h", b"9 path=bb", kind=b"x"), file("a")], "can't be read"),
    "a negative number": ([extended(("size", "-1")), file("a")], "number that is none"),
    "a number of words": ([extended(("uid", "root")), file("a")], "number that is none"),
    "endless headers": ([extended(("path", "x" * 200_000))] * 2 + [file("a")], "extended headers of more"),
    "a path that is too long": (
        [extended(("path", "d/" * 30 + "x" * 1000)), file("a")],
        "too long or too deep",
    ),
    "a path that is too deep": ([extended(("path", "d/" * 40 + "x")), file("a")], "too long or too deep"),
    "a name that is too long": ([extended(("path", "x" * 300)), file("a")], "too long or too deep"),
    "a target that is too long": (
        [extended(("linkpath", "x" * 2000)), symlink("a", "b")],
        "target is too long",
    ),
    "an owner that is too long": (
        [extended(("uname", "x" * 300)), file("a")],
        "owner whose name is too long",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage(damage, name):
    parts, message = DAMAGED[name]
    assert message in damage(*parts)


def test_what_follows_the_end_is_damage(damage):
    assert "no tar" in damage(file("a"), end=END + b"more")


def test_a_number_that_is_none(damage):
    block = bytearray(header("a"))
    block[124:136] = b"00000000x09\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert "number that is none" in damage(bytes(block))


def test_many_entries_are_damage(damage, monkeypatch):
    monkeypatch.setitem(inventory.__dict__, "MOST_ENTRIES", 3)
    assert "more than 3 entries" in damage(*[file(f"f{index}") for index in range(4)])


def test_long_names_together_are_damage(damage, monkeypatch):
    monkeypatch.setitem(inventory.__dict__, "MOST_TEXT", 100)
    assert "very long names" in damage(*[file(f"{index}" + "n" * 40) for index in range(3)])


def test_a_bomb_ends_at_the_limit(damage, monkeypatch):
    monkeypatch.setitem(inventory.__dict__, "MOST_BYTES", 4 << 20)
    assert "unpacks to more than 4 MiB" in damage(header("zeros", 100 << 20), bytes(8 << 20))


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(padded(b"") + b"x" * 512)[:-12]])
def test_what_is_no_gzip_is_damage(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(inventory.Damage):
        inventory.unpack(str(tmp_path / "a.tar.gz"), str(tmp_path))


def test_only_a_regular_file_is_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SystemExit, match="not a regular file"):
        inventory.unpack(str(tmp_path / "fifo"), str(tmp_path))
    os.symlink("/etc/passwd", tmp_path / "link")
    with pytest.raises(OSError):
        inventory.unpack(str(tmp_path / "link"), str(tmp_path))


def test_a_record_says_its_own_length():
    assert inventory.records(record("path", "a") + record("comment", b"=\n")) == {
        "path": b"a",
        "comment": b"=\n",
    }

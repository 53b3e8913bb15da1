"""Prints `notBuilt` of a toolchain: what the recipes of its packages depend on, for Spack to leave out.

usage: spack -c repos:builtin:PACKAGES/repos/spack_repo/builtin python scripts/not_built.py TOOLCHAIN.yaml
"""

import sys

import spack.repo
import spack.util.spack_yaml as syaml

with open(sys.argv[1], encoding="utf-8") as f:
    toolchain = syaml.load(f)
own = {item["spec"] for item in [*toolchain["dependencies"], *toolchain["tools"]]}
own.add(toolchain["compiler"]["name"])

repository = spack.repo.PATH
# Each C library and compiler that there could be is one more for the solver to think of.
wanted = {"c", "cxx", "fortran", "libc"}
for name in own:
    for dependencies in repository.get_pkg_class(name).dependencies.values():
        wanted.update(dependencies)
packages = set()
for name in wanted:
    if repository.is_virtual(name):
        packages.update(provider.name for provider in repository.providers_for(name))
    else:
        packages.add(name)
# What every package that is compiled depends on.
packages -= own | {"compiler-wrapper", "gcc-runtime", "glibc"}
for name in sorted(packages):
    print(f"  - {name}")

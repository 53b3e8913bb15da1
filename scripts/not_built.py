r"""Prints `notBuilt` of a toolchain: what the recipes of its packages depend on, for Spack to leave out.

It goes by all that the toolchain has, also in common with others (toolchains/dpkg.yaml, toolchains/rpm.yaml).
With data/self-contained.yaml behind it, by what Spack builds for dependencies: self-contained too: `notBuilt` there.

usage: spack -c repos:builtin:PACKAGES/repos/spack_repo/builtin -c repos:own:spack-repo/spack_repo/slurm_factory \
    python scripts/not_built.py TOOLCHAIN.yaml [data/self-contained.yaml]
"""

import os
import sys

import spack.repo
import spack.util.spack_yaml as syaml



def load(path):
    with open(path, encoding="utf-8") as f:
        return syaml.load(f)


toolchain = load(sys.argv[1])
folder = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
toolchain = {**load(os.path.join(folder, f"{toolchain['packageManager']}.yaml")), **toolchain}
own = {item["spec"] for item in [*toolchain["dependencies"], *toolchain["tools"]]}
if len(sys.argv) > 2:
    own.update(load(sys.argv[2])["built"])
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

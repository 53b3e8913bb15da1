# SPDX-License-Identifier: Apache-2.0

from spack_repo.builtin.packages.json_c.package import JsonC as BuiltinJsonC

from spack.package import *


class JsonC(BuiltinJsonC):
    """JSON-C without what needs the newest glibc."""

    def cmake_args(self):
        # A function of glibc 2.36: with it the library would run with no older one. Without, it
        # asks the kernel, as it did before.
        return [*super().cmake_args(), self.define("HAVE_ARC4RANDOM", False)]

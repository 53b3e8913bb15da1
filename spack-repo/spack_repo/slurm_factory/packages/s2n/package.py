# SPDX-License-Identifier: Apache-2.0

import os

from spack_repo.builtin.build_systems.cmake import CMakePackage

from spack.package import *


class S2n(CMakePackage):
    """The TLS library s2n-tls, as an archive for Slurm's plugin to take in: no distribution has it."""

    homepage = "https://github.com/aws/s2n-tls"
    url = "https://github.com/aws/s2n-tls/archive/refs/tags/v1.7.7.tar.gz"

    license("Apache-2.0")

    version("1.7.7", sha256="a6f77d2e3343b554bfc2cce27e0407b3c758bb105533c8f0a56e233036b7541d")

    depends_on("c", type="build")
    depends_on("openssl@1.1.1:")

    @run_after("install")
    def install_licence(self):
        mkdirp(self.prefix.share.licenses.s2n)
        for name in ("LICENSE", "NOTICE"):
            install(os.path.join(self.stage.source_path, name), self.prefix.share.licenses.s2n)

    def cmake_args(self):
        return [
            "-DBUILD_SHARED_LIBS=OFF",
            "-DBUILD_TESTING=OFF",
            "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
            "-DUNSAFE_TREAT_WARNINGS_AS_ERRORS=OFF",
            # Slurm's configure looks in no folder of a machine's name.
            "-DCMAKE_INSTALL_LIBDIR=lib",
            f"-DCMAKE_C_FLAGS=-ffile-prefix-map={self.stage.source_path}=.",
        ]

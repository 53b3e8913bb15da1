# SPDX-License-Identifier: Apache-2.0

from spack_repo.builtin.build_systems.bundle import BundlePackage

from spack.package import *


class Libselinux(BundlePackage):
    """The distribution's libselinux, which goes with its kernel and policy. Nothing is built."""

    homepage = "https://github.com/SELinuxProject/selinux"

    version("3.4")

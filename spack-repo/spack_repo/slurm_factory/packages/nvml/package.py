# SPDX-License-Identifier: Apache-2.0

import os
import re
import zipfile

from spack_repo.builtin.build_systems.generic import Package
from spack_repo.builtin.build_systems.python import _url as pypi_url

from spack.package import *


class Nvml(Package):
    """The header of NVIDIA's management library (NVML) and a stub to link against.

    Enough to compile a program that loads the driver's own libnvidia-ml at run time,
    without the gigabytes of a CUDA toolkit. The stub is for building only.
    """

    homepage = "https://developer.nvidia.com/management-library-nvml"
    # The wheels of all architectures hold the same header; this one serves them all.
    pypi = (
        "nvidia-nvml-dev-cu12/"
        "nvidia_nvml_dev_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    )
    # Wheels lie beside the source archives, whose address the builtin repository knows.
    url = classproperty(lambda cls: pypi_url(cls).replace("/source/", "/py3/"))

    license("LicenseRef-NVIDIA-CUDA-EULA", checked_by="slurm-factory")

    version(
        "12.9.79",
        sha256="8bb367913c62cb65be9ae386c58dbf573f1f9e2f01cae54abb87bf5f63c6069e",
        expand=False,
    )

    depends_on("c", type="build")

    def url_for_version(self, version):
        # "2014_x86_64" in the name looks like a version too: nothing is to be substituted.
        return type(self).url

    def install(self, spec, prefix):
        with zipfile.ZipFile(self.stage.archive_file) as wheel:
            wheel.extractall("wheel")
        header = find("wheel", "nvml.h")[0]
        licence = find("wheel", "License.txt")[0]

        mkdirp(prefix.include, prefix.lib64.stubs, prefix.share.licenses.nvml)
        install(header, prefix.include)
        install(licence, prefix.share.licenses.nvml)

        with open(header, encoding="utf-8") as f:
            functions = sorted(set(re.findall(r"\bDECLDIR\s+[\w\s*]*?(nvml\w+)\s*\(", f.read())))
        if "nvmlInit" not in functions and "nvmlInit_v2" not in functions:
            raise InstallError("nvml.h declares no nvmlInit: its layout has changed")
        # Slurm's configure looks for the unversioned name.
        functions = sorted(set(functions) | {"nvmlInit"})
        with open("stub.c", "w", encoding="utf-8") as f:
            f.write("/* 12 is NVML_ERROR_LIBRARY_NOT_FOUND */\n")
            f.writelines(f"int {name}(void) {{ return 12; }}\n" for name in functions)

        stub = os.path.join(prefix.lib64.stubs, "libnvidia-ml.so")
        flags = ["-O2", "-fPIC", "-shared", "-s", "-Wl,-soname,libnvidia-ml.so.1"]
        Executable(self["c"].cc)(*flags, "-o", stub, "stub.c")

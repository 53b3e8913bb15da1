from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class ToyMpi(Package):
    """What other packages take for an MPI, which links Slurm."""

    homepage = "https://slurm-factory.invalid"
    has_code = False
    license("MIT")

    version("4.1")

    provides("mpi@3")
    depends_on("c", type="build")
    depends_on("slurm")

    def setup_run_environment(self, env):
        env.set("TOY_MPI_ROOT", self.prefix)

    def install(self, spec, prefix):
        mkdirp(prefix.bin, prefix.lib)
        with open("mpi.c", "w") as source:
            source.write("#include <slurm/slurm.h>\nlong mpi(void) { return slurm_api_version(); }\n")
        lib = join_path(prefix.lib, "libtoympi.so")
        Executable(spack_cc)("-shared", "-fPIC", "-o", lib, "mpi.c", "-lslurm")
        with open(join_path(prefix.bin, "mpicc"), "w") as file:
            file.write(f'#!/bin/sh\nexec cc "$@" -L{prefix.lib} -ltoympi\n')
        set_executable(join_path(prefix.bin, "mpicc"))

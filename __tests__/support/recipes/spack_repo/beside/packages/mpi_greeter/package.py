from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class MpiGreeter(Package):
    """A program that needs an MPI."""

    homepage = "https://slurm-factory.invalid"
    has_code = False
    license("MIT")

    version("3.0")

    depends_on("c", type="build")
    depends_on("mpi")

    def install(self, spec, prefix):
        mkdirp(prefix.bin)
        with open("main.c", "w") as source:
            source.write(
                "#include <stdio.h>\nlong mpi(void);\n"
                'int main(void) { return printf("Slurm %ld\\n", mpi() >> 16) < 0; }\n'
            )
        mpi = spec["mpi"].prefix.lib
        Executable(spack_cc)("-o", join_path(prefix.bin, "mpi-greeter"), "main.c", f"-L{mpi}", "-ltoympi")

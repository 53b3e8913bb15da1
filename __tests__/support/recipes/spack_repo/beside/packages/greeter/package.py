from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class Greeter(Package):
    """A program that links a library of another package, and a script that is run by the program."""

    homepage = "https://slurm-factory.invalid"
    has_code = False
    license("MIT")

    version("2.0")

    depends_on("c", type="build")
    depends_on("greeting", type=("build", "link", "run"))

    def install(self, spec, prefix):
        mkdirp(prefix.bin)
        with open("greeter.c", "w") as source:
            source.write(
                '#include <greeting.h>\n#include <stdio.h>\nint main(int count, char **words)\n{\n'
                '\tFILE *file = fopen(greeting(), "r");\n\tchar line[100];\n'
                "\tif (!file || !fgets(line, sizeof(line), file))\n\t\treturn 1;\n"
                '\treturn printf("%s: %s", count > 1 ? "script" : "program", line) < 0;\n}\n'
            )
        Executable(spack_cc)("-o", join_path(prefix.bin, "greeter"), "greeter.c", "-lgreeting")
        script = join_path(prefix.bin, "greet")
        with open(script, "w") as file:
            file.write(f"#!{prefix.bin.greeter}\n")
        set_executable(script)

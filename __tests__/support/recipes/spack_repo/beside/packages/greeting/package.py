from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class Greeting(Package):
    """A library that looks for its text where it was installed."""

    homepage = "https://slurm-factory.invalid"
    has_code = False
    license("MIT")

    version("1.0")

    depends_on("c", type="build")

    def install(self, spec, prefix):
        for folder in (prefix.lib.pkgconfig, prefix.share, prefix.include):
            mkdirp(folder)
        with open("greeting.c", "w") as source:
            source.write(f'const char *greeting(void) {{ return "{prefix.share}/greeting.txt"; }}\n')
        with open(join_path(prefix.include, "greeting.h"), "w") as header:
            header.write("const char *greeting(void);\n")
        with open(join_path(prefix.share, "greeting.txt"), "w") as text:
            text.write("hello from where it lies\n")
        with open(join_path(prefix.lib.pkgconfig, "greeting.pc"), "w") as file:
            file.write(f"prefix={prefix}\nName: greeting\nVersion: 1.0\nLibs: -L{prefix.lib} -lgreeting\n")
        cc = Executable(spack_cc)
        cc("-g", "-shared", "-fPIC", "-Wl,-soname,libgreeting.so.1", "-o", "libgreeting.so.1", "greeting.c")
        cc("-g", "-c", "greeting.c")
        Executable("ar")("rc", "libgreeting.a", "greeting.o")
        for name in ("libgreeting.so.1", "libgreeting.a"):
            install(name, prefix.lib)
        symlink(join_path(prefix.lib, "libgreeting.so.1"), join_path(prefix.lib, "libgreeting.so"))

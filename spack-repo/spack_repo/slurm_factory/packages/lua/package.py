# SPDX-License-Identifier: Apache-2.0

import os

from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class Lua(Package):
    """Lua as a library for programs that bring their scripts, as Slurm's plugins do.

    The builtin recipe's interpreter, its line editing and LuaRocks, which would need curl, are
    left out.
    """

    homepage = "https://www.lua.org"
    url = "https://www.lua.org/ftp/lua-5.4.8.tar.gz"

    license("MIT")

    version("5.4.8", sha256="4f18ddae154e793e46eeab727c59ef1c0c0c2b744e7b94219710d76f530629ae")
    version("5.4.4", sha256="164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61")

    depends_on("c", type="build")
    depends_on("gmake", type="build")

    def install(self, spec, prefix):
        series = str(self.version.up_to(2))
        library = f"liblua.so.{series}"
        flags = f"{self['c'].pic_flag} -DLUA_USE_LINUX -DLUA_COMPAT_5_3"
        make("-C", "src", "liblua.a", f"CC={self['c'].cc}", f"MYCFLAGS={flags}")
        mkdirp(prefix.lib.pkgconfig, prefix.include)
        words = ["-shared", f"-Wl,-soname,{library}", "-o", os.path.join(prefix.lib, library)]
        archive = ["-Wl,--whole-archive", "src/liblua.a", "-Wl,--no-whole-archive"]
        Executable(self["c"].cc)(*words, *archive, "-lm", "-ldl")
        symlink(library, os.path.join(prefix.lib, "liblua.so"))
        for header in ("lua.h", "luaconf.h", "lualib.h", "lauxlib.h", "lua.hpp"):
            install(os.path.join("src", header), prefix.include)
        # Programs look for Lua by one of these names.
        for name in (f"lua{series}", "lua"):
            with open(os.path.join(prefix.lib.pkgconfig, f"{name}.pc"), "w", encoding="utf-8") as f:
                f.write(
                    f"Name: Lua\nDescription: The library of Lua\nVersion: {self.version}\n"
                    f"Libs: -L{prefix.lib} -llua -lm -ldl\nCflags: -I{prefix.include}\n"
                )

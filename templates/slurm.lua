-- Lmod module of @TARGET@, written by slurm-factory.
-- SLURM_INSTALL_PREFIX names the folder that the software tarball's content lies in.

help([[
Slurm @VERSION@, built for @TOOLCHAIN@ (@ARCH@, GPU support: @GPU@).

The tarball works from any prefix. Set SLURM_INSTALL_PREFIX to the folder that
holds its bin, sbin and lib; without it, @PREFIX@ is taken.
]])

whatis("Name: slurm")
whatis("Version: @VERSION@")
whatis("Category: workload manager")
whatis("Description: Slurm workload manager, @TARGET@")
whatis("URL: https://slurm.schedmd.com")

conflict("slurm")

local prefix = os.getenv("SLURM_INSTALL_PREFIX") or ""
if prefix == "" then
  prefix = "@PREFIX@"
end

if mode() == "load" and not isDir(prefix) then
  LmodError("Slurm is not in " .. prefix .. "; set SLURM_INSTALL_PREFIX to where the tarball was unpacked.")
end

setenv("SLURM_HOME", prefix)
prepend_path("PATH", pathJoin(prefix, "sbin"))
prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
prepend_path("CPATH", pathJoin(prefix, "include"))
prepend_path("LIBRARY_PATH", pathJoin(prefix, "lib"))
prepend_path("PKG_CONFIG_PATH", pathJoin(prefix, "lib/pkgconfig"))

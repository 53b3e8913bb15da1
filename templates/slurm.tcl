#%Module1.0
# Environment Modules (Tcl) module of @TARGET@, written by slurm-factory.
# SLURM_INSTALL_PREFIX names the folder that the software tarball's content lies in.

proc ModulesHelp { } {
    puts stderr "Slurm @VERSION@, built for @TOOLCHAIN@ (@ARCH@, GPU support: @GPU@)."
    puts stderr ""
    puts stderr "The tarball works from any prefix. Set SLURM_INSTALL_PREFIX to the folder that"
    puts stderr "holds its bin, sbin and lib; without it, @PREFIX@ is taken."
}

module-whatis "Name: slurm"
module-whatis "Version: @VERSION@"
module-whatis "Category: workload manager"
module-whatis "Description: Slurm workload manager, @TARGET@"
module-whatis "URL: https://slurm.schedmd.com"

conflict slurm

set prefix "@PREFIX@"
if {[info exists ::env(SLURM_INSTALL_PREFIX)] && $::env(SLURM_INSTALL_PREFIX) ne ""} {
    set prefix $::env(SLURM_INSTALL_PREFIX)
}

if {[module-info mode load] && ![file isdirectory $prefix]} {
    puts stderr "Slurm is not in $prefix; set SLURM_INSTALL_PREFIX to where the tarball was unpacked."
    break
}

setenv SLURM_HOME $prefix
prepend-path PATH $prefix/sbin
prepend-path PATH $prefix/bin
prepend-path MANPATH $prefix/share/man
prepend-path CPATH $prefix/include
prepend-path LIBRARY_PATH $prefix/lib
prepend-path PKG_CONFIG_PATH $prefix/lib/pkgconfig

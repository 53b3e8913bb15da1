# SPDX-License-Identifier: Apache-2.0

import glob
import hashlib
import json
import os
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spack_repo.builtin.build_systems.autotools import AutotoolsPackage

from spack.package import *


def _sources():
    """What a build has beside the releases: it writes source.json into its own copy of this folder.

    `version`, which takes the place of a release of that name, and `sha256`; `url` or a file of this
    folder, `archive`; and `patches`, files too.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(folder, "source.json")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        source = json.load(f)
    if "archive" in source:
        source["url"] = Path(folder, source["archive"]).as_uri()
    return [source]


class Slurm(AutotoolsPackage):
    """Slurm, the workload manager, as a lean tree that runs from any prefix.

    Nothing that is installed holds the build prefix: libraries find their files by asking
    where they were loaded from, and every RUNPATH is relative. A feature that was asked for
    but not built is an error, where configure only warns.
    """

    homepage = "https://slurm.schedmd.com"
    url = "https://github.com/SchedMD/slurm/archive/slurm-24-11-6-1.tar.gz"

    license("GPL-2.0-or-later")

    # releases: begin (scripts/refresh-releases.mjs)
    version("26-05-3-1", sha256="eeb2508a6307ecb08b385bc33e31497d4fc2e5c0c186a988f74b86ffb4bf38bf")
    version("26-05-2-1", sha256="76ce4477d86c2d24d9cab7d42105707ff5a6cddf4892ff06780d927d3e3c1b53")
    version("26-05-1-1", sha256="432362d3ced66476a8edb61b6c06b6f0c0c1b3bbbf40589fae94de0664c803b5")
    version("26-05-0-1", sha256="449453cbd53df4bf2d06bc22d2703fc1cb5d0f52761f60cf3d783edfc57a9b77")
    version("25-11-7-1", sha256="987c7e97bcc858a9314401f266f801a8e62aebd9b88fde73b334a24aeaf053ee")
    version("25-11-6-1", sha256="2e305a5cc051d08ded4d710e349636b6a054da2c371bbce85797744b693ca790")
    version("25-11-5-1", sha256="2c0c10a8a04662aab7033c50a66f0db05e2f51a563de5dae250d37dba261a096")
    version("25-11-4-1", sha256="15f5a172812868349031d57104323f23d62f1c28537f21d1992c572dffdd93c2")
    version("25-11-3-1", sha256="c50afba037851c5631f64f56daed888c0944dfdaff2507d66995d46c8b14e115")
    version("25-11-2-1", sha256="719783317e46b6241ab5c8f1e3f91e1e34fda63b5a1cd21403fa7696ec8d517c")
    version("25-11-1-1", sha256="85bcf02126ad9844761b363e8db53e5a51f620d4ec71b64dbccbe141d4fe90da")
    version("25-11-0-1", sha256="f208e2fb5f312da669ad5bdc9a6226f0dec715a00ff2f5f258d61bc25cd6f49b")
    version("25-05-8-1", sha256="3f77fa80fdcec1e8a47f146bf0b34a6a6c2435f13dad26aea758a7a0f8c82954")
    version("25-05-7-1", sha256="c2716a0e5bbc97e32088cac15227440e79162be15a1ab650ac9405c6452f7b25")
    version("25-05-6-1", sha256="fda7361d3cf5e1ec1ba8b5579a19e0024bc7d1444ae6f5bf7f5c23ef25272f93")
    version("25-05-5-1", sha256="8ae9bd098e70dbf035a90bf3204f400ba85e7e64f42c59607827dbd204d4dbcb")
    version("25-05-4-1", sha256="e672374ba5d31e033c54798a7e7e769a753fbc2e73f6cf58cd3ddec48b18cf50")
    version("25-05-3-1", sha256="a24d9a530e8ae1071dd3865c7260945ceffd6c65eea273d0ee21c85d8926782e")
    version("25-05-2-1", sha256="6c5b7a95a82e4bbc8ca4093e8e4d38468cfb9f98e344267bbd17d97ca04558dd")
    version("25-05-1-1", sha256="b568c761a6c9d72358addb3bb585456e73e80a02214ce375d2de8534f9ddb585")
    version("25-05-0-1", sha256="d4771e71154f7d72f17cf68e2831dbb88c98009be49cfb94192ccb644b5c62c7")
    version("24-11-7-1", sha256="f0912d85a9a9b417fd23ca4997c8d3dfed89b3b70b15aad4da54f2812d30d48c")
    version("24-11-6-1", sha256="282708483326f381eb001a14852a1a82e65e18f37b62b7a5f4936c0ed443b600")
    version("24-11-5-1", sha256="e1a5547edd212c38b5e3230a284133f777b32746551f094aaa81cc4af375e332")
    version("24-11-4-1", sha256="15c52ba5afdea1def128e3ae7a69346dae105a097f28bcf0fa35754f70ad51f2")
    version("24-11-3-1", sha256="9cb9627d4d64120b9f55475a4211d08e0c6a8f82326125ea5b0ec59332d7ea4c")
    version("24-11-2-1", sha256="bf976fd47fff5441bf27a8b2277463eedde9569ddfb914deaa9ab3da4c628240")
    version("24-11-1-1", sha256="d3f44089ebba7b0915ec4880744e87e4be7ec5355b98ed1c6deaae16710768c8")
    version("24-11-0-1", sha256="d509541ac73cf939266889012e7bfb76c1e6751a8e0de6079b333b86ffd8ab2c")
    version("24-05-8-1", sha256="06f4b837c3f7ec523a8924a5fee23d8305f20ca8ef3ad6128e128e87986821e4")
    version("24-05-7-1", sha256="297e85853314a0a4d227ca66bb44179c099f0de5d86e83ffe21cb464b9ad3709")
    version("24-05-6-1", sha256="0ba810649ebc1c3b1c1d7102dbd5365e53fd7ce7c25ab2108bd0196b6988ddb2")
    version("24-05-5-1", sha256="be944c8ab78d54a79cbff47128fc2b99589a7d2279c10b2e0bf0507d5f426080")
    version("24-05-4-1", sha256="c723034ca27ff61b41c24ee12625d97be7485458bbbef659f6c77005355ee737")
    version("24-05-3-1", sha256="c262ea471ea135e5381f339cfead302359fd8e0227350314ff1f18e40073ed94")
    version("24-05-2-1", sha256="21aa526f20e8c84e46a34b8f31c8f9500395e5e828f5189f38aca3836e5270a1")
    version("24-05-1-1", sha256="8859d90b29e6c81fdc80a16c9063c1ca58fda4245c3835016124cc044a44daec")
    version("24-05-0-1", sha256="0cf643c5dd0cde06bd6df66eaae86b1db236c531bf3ce79aae90a26d0be62ba3")
    version(
        "23-11-11-1", sha256="e9234e664ce30be206f73c0ff1a5f33e0ce32be35ece812eac930fcaa9da2c2f"
    )
    version(
        "23-11-10-1", sha256="ca880fcd44a9e0303a36e05ede75913d16f254d88d4ef05595cd135a29aa3071"
    )
    version("23-11-9-1", sha256="0f0e97f0d9473e5b2aae169565c34dbaf848dccdef9131fee0748ce837152682")
    version("23-11-8-1", sha256="0e5aba8eb2b6a5b567a3918190a27d8ae3b60ce03acec225ec7ed2584fa450a1")
    version("23-11-7-1", sha256="b25127efd69a47c14bd65dfa3bff2687b5350c5290eafb601f923faebe6fd238")
    version("23-11-6-1", sha256="7c19d9655493f72b8ce4583b91183ee04fed369b908e2d07a32d0b8c77d71a60")
    version("23-11-5-1", sha256="a215152a79784b6230cd35c53d0142680418d6b198323b82dc33cab4155fbbe5")
    version("23-11-4-1", sha256="832bc076d8ac9fd44cf2bf539c5046d7aa3ec20fb6c699693552dce3e5ad5588")
    version("23-11-3-1", sha256="149eaa9b18f269bfb21f5a1f5c9ccac1aaea49612a7c96ec74f96562ac551ff7")
    version("23-11-2-1", sha256="74b19312d9cc8158a3816ad083eb2083dc6bf562c87a3ea1b63b715e9d3fc360")
    version("23-11-1-1", sha256="31506df24c6d24e0ea0329cac1395ab9b645bbde1518f5c469f7711df5e22c11")
    version("23-11-0-1", sha256="3780773a80b73ea2edb4353318b4220188f4eda92c31ab3a2bdd3a4fdec76be9")
    version("23-02-8-1", sha256="c5b3af07cd39cbd4a30fce43ada3ea72ef237d2e1cc0951aaede1ee371ea3509")
    version("23-02-7-1", sha256="3f60ad5b5a492312d1febb9f9167caa3aee7f8438bb032590a993f5a65c5e4db")
    version("23-02-6-1", sha256="ed44d4e591c0f91874d535cb8c9ea67dd2a38bfa4e96fa6c71687293f6a1d3bb")
    version("23-02-5-1", sha256="4fee743a34514d8fe487080048256f5ee032374ed5f42d0eae342110dcd59edf")
    version("23-02-4-1", sha256="7290143a71ce2797d0df3423f08396fd5c0ae4504749ff372d6860b2d6a3a1b0")
    version("23-02-3-1", sha256="c41747e4484011cf376d6d4bc73b6c4696cdc0f7db4f64174f111bb9f53fb603")
    version("23-02-2-1", sha256="71edcf187a7d68176cca06143adf98e8f332d42cdf000cb534b03b13834ad537")
    version("23-02-1-1", sha256="d827553496ee9158bbf6a862b563cfd48566e6d815ad2f8349950fe6f04934da")
    version("23-02-0-1", sha256="eff83ab63905f692fc20f8b5535454e301183b2ca84d9424b6185f958bfdb4cd")
    version(
        "22-05-11-1", sha256="8953c3302f8c20a4d8c1f5330eec6d85ae166591818647b14efbac75649cf050"
    )
    version(
        "22-05-10-1", sha256="f5789cc2b168a587c28465ac828292ae589952bf5c0da70e8d5b8340b8c27070"
    )
    version("22-05-9-1", sha256="c9aaa2362b5bf7a4745c8bf90e8dd2ca50802f1241dd1f5220aec8448c09b514")
    version("22-05-8-1", sha256="8c8f6a26a5d51e6c63773f2e02653eb724540ee8b360125c8d7732314ce737d6")
    version("22-05-7-1", sha256="2ad7e8a415d54d45977ab64b4e73c891154d2f41a04505fedf6f8d3df385acb1")
    version("22-05-6-1", sha256="99490c689acf6263e45c84e0d9616f32b73c3ec73a4248ed97acf4dd96529634")
    version("22-05-5-1", sha256="7e1b4f6c3aea959f12ab5a6338a051b44789cd841080551b4bd40becb6d57097")
    version("22-05-4-1", sha256="1269234768352a3dc9699a99f442a4c9461a8db69056acf28a9f089b42b80852")
    version("22-05-3-1", sha256="9b9ed84370afdb367d5f8a77a3d341214eaceb1a130a2659c109e646e9405248")
    version("22-05-2-1", sha256="aaaf179b0ede0164c4acc3544a1a5d5e781ad358f8ad0a4f6fe4a19cd22ef7a9")
    version("22-05-1-1", sha256="18bbdc026c2e1d98c556253a58fcef5562c1fd9debe1cc50c7bfdf9bf01ca388")
    version("22-05-0-1", sha256="6dcd114e5fe9d0fbccc90f134241266d1b910d9447b8740473d0618479671eff")
    # releases: end

    for own_source in _sources():
        version(own_source["version"], sha256=own_source["sha256"], url=own_source["url"])
        for own_patch in own_source["patches"]:
            patch(own_patch, when=f"@={own_source['version']}")

    # Which of them `features` switches on, features.json says.
    variant("cgroup", default=True, description="Control groups, version 2 too")
    variant("curl", default=True, description="Plugins that talk HTTP (elasticsearch, influxdb)")
    variant("hwloc", default=True, description="Topology by hwloc, memory affinity by libnuma")
    variant("jwt", default=True, description="Authentication by JSON web tokens")
    variant("lua", default=True, description="job_submit and cli_filter plugins in Lua")
    variant("lz4", default=True, description="lz4 compression in sbcast")
    variant("mysql", default=True, description="Accounting in MySQL or MariaDB")
    variant("pam", default=True, description="PAM in slurmd, pam_slurm and pam_slurm_adopt")
    variant("pmix", default=True, description="PMIx for MPI launches")
    variant("readline", default=True, description="Line editing in scontrol and sacctmgr")
    variant("restd", default=True, description="slurmrestd, the REST daemon")
    variant("x11", default=True, description="X11 forwarding")
    variant("contribs", default=False, description="Perl API, seff, sgather, Torque's commands")
    variant("freeipmi", default=False, description="Energy of nodes by IPMI")
    variant("hdf5", default=False, description="Profiles of jobs in HDF5 files, sh5util")
    variant("llhttp", default=False, when="@26-05:", description="HTTP parser llhttp too")
    variant("multiple_slurmd", default=False, description="Several slurmd on a machine")
    variant("ofed", default=False, description="InfiniBand traffic of jobs")
    variant("pyxis", default=False, description="Jobs in containers, by NVIDIA's pyxis")
    variant("rdkafka", default=False, when="@23-02:", description="Finished jobs to Kafka")
    variant("rrdtool", default=False, when="@:23-11", description="Sensors out of RRD files")
    variant("s2n", default=False, when="@25-05:", description="TLS between daemons, commands")
    variant("salloc_kill_cmd", default=False, description="salloc ends its command with the job")
    variant("selinux", default=False, description="SELinux contexts of jobs")
    variant("sview", default=False, description="sview, the graphical view")
    variant("ucx", default=False, description="UCX between PMIx servers")
    variant("nvml", default=False, description="NVIDIA GPUs by NVML")
    variant("rsmi", default=False, description="AMD GPUs by ROCm SMI")
    variant("oneapi", default=False, description="Intel GPUs by oneAPI Level Zero")
    variant("debug", default=False, description="Debug files in .debug beside each program")
    variant("sysconfdir", default="/etc/slurm", values=any, description="Where slurm.conf is")

    depends_on("c", type="build")
    depends_on("gmake", type="build")
    depends_on("patchelf", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("json-c")
    depends_on("libyaml")
    depends_on("munge")
    depends_on("curl", when="+curl")
    depends_on("dbus", when="+cgroup")
    depends_on("freeipmi", when="+freeipmi")
    depends_on("gtkplus@2", when="+sview")
    depends_on("hdf5", when="+hdf5")
    depends_on("http-parser", when="+restd")
    depends_on("hwloc", when="+hwloc")
    depends_on("libjwt@:1", when="+jwt")
    depends_on("librdkafka", when="+rdkafka")
    depends_on("libselinux", when="+selinux")
    depends_on("linux-pam", when="+pam")
    depends_on("llhttp@9:", when="+llhttp")
    depends_on("lua@5.1:5.4", when="+lua")
    depends_on("lz4", when="+lz4")
    depends_on("mariadb-c-client", when="+mysql")
    depends_on("numactl", when="+hwloc")
    depends_on("nvml", when="+nvml", type="build")
    depends_on("oneapi-level-zero", when="+oneapi", type="build")
    depends_on("perl", when="+contribs", type=("build", "run"))
    depends_on("pmix@:5", when="+pmix")
    depends_on("rdma-core", when="+ofed")
    depends_on("readline", when="+readline")
    depends_on("rocm-smi-lib", when="+rsmi", type="build")
    depends_on("rrdtool", when="+rrdtool")
    depends_on("s2n", when="+s2n")
    depends_on("ucx", when="+ucx")

    conflicts("~jwt", when="+restd", msg="slurmrestd needs JSON web tokens")
    conflicts("~restd", when="+llhttp", msg="slurmrestd is what parses HTTP")
    conflicts("~pmix", when="+ucx", msg="UCX is between PMIx servers")

    resource(
        name="pyxis",
        url="https://github.com/NVIDIA/pyxis/archive/refs/tags/v0.24.0.tar.gz",
        sha256="9c4cdb79a67301d8ea05951aa4d2c205f40cf6145e338214b0191add8b36d6c4",
        placement="pyxis",
        when="+pyxis",
    )

    # Only adds files, so that it fits all releases; patch() below wires them in.
    patch("self_location.patch")

    def patch(self):
        self._edit(
            "src/common/Makefile.in",
            r'"char *default_plugin_path = \"$(pkglibdir)\";"',
            r'"#include \"src/common/self_location.c\""',
        )
        self._edit("src/common/Makefile.in", r" -DSBINDIR=\"$(sbindir)\"", "")
        self._edit(
            "src/common/slurm_protocol_api.c",
            '#ifdef SBINDIR\n\treturn xstrdup_printf("%s/slurmstepd", SBINDIR);\n'
            "#elif defined SLURM_PREFIX\n"
            '\treturn xstrdup_printf("%s/sbin/slurmstepd", SLURM_PREFIX);\n#endif\n',
            "\textern const char *slurm_self_sbin_path(void);\n\n"
            '\treturn xstrdup_printf("%s/slurmstepd", slurm_self_sbin_path());\n',
        )
        self._edit(
            "src/plugins/mpi/pmi2/spawn.c",
            'execve(SLURM_PREFIX"/bin/srun", argv, env);',
            "extern const char *slurm_self_srun_path(void);\n\n"
            "\texecve(slurm_self_srun_path(), argv, env);",
            times=2,
        )
        self._edit(
            "src/database/mysql_common.c",
            '#include "mysql_common.h"\n',
            '#include "mysql_common.h"\n#include "src/common/self_mysql.h"\n',
        )
        self._edit("src/database/mysql_common.c", "= mysql_init(", "= self_mysql_init(", times=2)
        curl_users = ["src/curl/slurm_curl.c"]
        if self.spec.satisfies("@:24-05"):
            curl_users = [
                "src/plugins/acct_gather_profile/influxdb/acct_gather_profile_influxdb.c",
                "src/plugins/jobcomp/elasticsearch/jobcomp_elasticsearch.c",
            ]
        for path in curl_users:
            include = "#include <curl/curl.h>\n"
            self._edit(path, include, f'{include}#include "src/common/self_curl.h"\n')
            self._edit(path, "= curl_easy_init()", "= self_curl_init()")
        if self.spec.satisfies("@:23-02"):
            # The name without a number is in the development package, as later releases know.
            self._edit("src/plugins/mpi/pmix/mpi_pmix.c", '"libpmix.so"', '"libpmix.so.2"')
        # A driver without development files has its library under a name with a number only.
        gpu = "src/common/gpu.c" if self.spec.satisfies("@:22-05") else "src/interfaces/gpu.c"
        openers = {gpu: ("libnvidia-ml.so", "librocm_smi64.so", "libze_loader.so")}
        if self.spec.satisfies("@:22-05"):
            openers["src/plugins/gpu/rsmi/gpu_rsmi.c"] = ("librocm_smi64.so",)
            # As later releases have it: the library is opened where it is, and not asked for by the plugin.
            needed = "libgpu_common.la $(NVML_LIBS)\n"
            self._edit("src/plugins/gpu/nvml/Makefile.in", needed, "libgpu_common.la\n")
        if self.spec.satisfies("@:23-02 +ucx"):
            ucx = "src/plugins/mpi/pmix/pmixp_dconn_ucx.c"
            self._edit(ucx, 'libucp.so"', 'libucp.so.0"', times=2)
        if self.spec.satisfies("+s2n"):
            # It is an archive, which names no library that it needs itself.
            self._edit("configure", 'S2N_LIBS="-ls2n"', 'S2N_LIBS="-ls2n -lcrypto"')
        if self.spec.satisfies("~lz4"):
            # Told to do without, configure ends for want of a conditional; so it looks nowhere.
            self._edit("configure", 'lz4_places="/usr/local /usr /opt/local /sw"', "lz4_places=")
        for path, libraries in openers.items():
            include = "#include <dlfcn.h>\n"
            self._edit(path, include, f'{include}#include "src/common/self_open.h"\n')
            for library in libraries:
                self._edit(path, f'dlopen("{library}"', f'self_open("{library}"')
        # The HTML pages are not installed, and making them takes a while.
        self._edit("doc/Makefile.in", "SUBDIRS = man html\n", "SUBDIRS = man\n")
        # Nothing may use the prefix from here on: a new use in a coming release fails to compile.
        self._edit("config.h.in", "#undef SLURM_PREFIX\n", "#undef SLURM_PREFIX_UNUSED\n")

    def _edit(self, path, old, new, times=1):
        """Replace a piece of a source file, or say which release has it no more."""
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            text = f.read()
        if text.count(old) != times:
            raise InstallError(
                f"slurm@{self.version}: {path} has {text.count(old)} of {times} places to edit "
                f"for relocation: {old!r}"
            )
        self._rewrite(path, text.replace(old, new))

    @staticmethod
    def _rewrite(path, text):
        """Keeps the time, or make would rerun what generates from the file."""
        stat = os.stat(path)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    @property
    def contribs(self):
        names = ["pmi", "pmi2", "nss_slurm"]
        if self.spec.satisfies("+pam"):
            names += ["pam", "pam_slurm_adopt"]
        if self.spec.satisfies("+contribs"):
            names += ["perlapi", "openlava", "seff", "sgather", "sjobexit", "torque"]
        return [os.path.join("contribs", name) for name in names]

    def configure_args(self):
        spec = self.spec
        args = [
            f"--sysconfdir={spec.variants['sysconfdir'].value}",
            "--localstatedir=/var",
            "--disable-static",
            "--disable-dependency-tracking",
            "--disable-silent-rules",
            "--config-cache",
            "--no-create",
            # Slurm's own --enable-debug would also switch optimization off.
            "--disable-debug",
            f"CFLAGS={self._optimization} -ffile-prefix-map={self.stage.source_path}=.",
            # Plugins leave functions open that only one of the daemons has; some compilers bind all at once.
            "LDFLAGS=-Wl,-z,lazy",
            f"--with-munge={spec['munge'].prefix}",
            f"--with-json={spec['json-c'].prefix}",
            f"--with-yaml={spec['libyaml'].prefix}",
        ]
        args += self.enable_or_disable("multiple-slurmd", variant="multiple_slurmd")
        args += self.enable_or_disable("salloc-kill-cmd", variant="salloc_kill_cmd")
        args += self.enable_or_disable("selinux")
        args += self.enable_or_disable("sview")
        args += self.enable_or_disable("x11")
        # Their tests start a program that shows a window.
        args += ["--disable-gtktest", "--disable-glibtest"]
        # configure asks for the compiler wrapper itself.
        h5cc = os.path.join(spec["hdf5"].prefix.bin, "h5cc") if spec.satisfies("+hdf5") else "no"
        args.append(f"--with-hdf5={h5cc}")

        # What is on the machine by chance must not decide what is built: each is said, on or off.
        with_prefix = {
            "freeipmi": ("freeipmi", "freeipmi"),
            "hwloc": ("hwloc", "hwloc"),
            "jwt": ("jwt", "libjwt"),
            "llhttp-parser": ("llhttp", "llhttp"),
            "lz4": ("lz4", "lz4"),
            "nvml": ("nvml", "nvml"),
            "ofed": ("ofed", "rdma-core"),
            "oneapi": ("oneapi", "oneapi-level-zero"),
            "rdkafka": ("rdkafka", "librdkafka"),
            "rrdtool": ("rrdtool", "rrdtool"),
            "rsmi": ("rsmi", "rocm-smi-lib"),
            "s2n": ("s2n", "s2n"),
            "ucx": ("ucx", "ucx"),
        }
        http_parser = "libhttp-parser" if spec.satisfies("@26-05:") else "http-parser"
        with_prefix[http_parser] = ("restd", "http-parser")
        for option, (variant_name, dependency) in sorted(with_prefix.items()):
            if spec.satisfies(f"+{variant_name}"):
                args.append(f"--with-{option}={spec[dependency].prefix}")
            elif option != "lz4":
                args.append(f"--without-{option}")

        # A prefix would turn the plugins that use curl off: they are only built for "yes".
        args += self.with_or_without("libcurl", variant="curl")
        args += self.enable_or_disable("slurmrestd", variant="restd")
        args += self.enable_or_disable("cgroupv2", variant="cgroup")
        args += self.enable_or_disable("pam", variant="pam")
        args.append("--with-lua" if spec.satisfies("+lua") else "--without-lua")
        if spec.satisfies("~readline"):
            args.append("--without-readline")
        if spec.satisfies("~cgroup"):
            args.append("--without-bpf")
        if spec.satisfies("+pmix"):
            args.append(f"--with-pmix={self._pmix_prefix()}")
        else:
            args.append("--without-pmix")
        if spec.satisfies("+mysql"):
            args.append(f"--with-mysql_config={spec['mariadb-c-client'].prefix.bin}")
        else:
            args.append("--without-mysql_config")
        if spec.satisfies("+pam"):
            # Never the system's directory; configure wants it to exist.
            mkdirp(self._pam_dir)
            args.append(f"--with-pam_dir={self._pam_dir}")
        return args

    @property
    def _optimization(self):
        return "-O2 -g" if self.spec.satisfies("+debug") else "-O2"

    @property
    def _pam_dir(self):
        return os.path.join(self.prefix.lib, "security")

    def _pmix_prefix(self):
        """Debian keeps PMIx in a directory of its own below /usr/lib/<machine>."""
        prefix = self.spec["pmix"].prefix
        for pattern in ("", "lib*/pmix*", "lib/*/pmix*"):
            for path in sorted(glob.glob(os.path.join(prefix, pattern)), reverse=True):
                if os.path.exists(os.path.join(path, "include", "pmix_server.h")):
                    return path.rstrip("/")
        raise InstallError(f"slurm+pmix: no include/pmix_server.h at or below {prefix}")

    @property
    def _shell(self):
        # configure needs bash and hands it on, but libtool, which wraps each compile, starts far
        # faster in a plain shell: a quarter of the time of make where /bin/sh is dash. The
        # makefiles of 22-05 say pushd.
        return ["SHELL=/bin/sh"] if self.spec.satisfies("@23-02:") else []

    # libtool takes 50 ms to call a compiler, a seventh of make's time, and does no more than this where
    # all libraries are shared. The first two words are its own command, to which all else goes.
    libtool = "slurm-factory-libtool.sh"
    libtool_script = r"""
before=
case " $* " in
    *" -static "* | *" -prefer-"* | *" -Wc,"* | *" -Xcompiler "*) exec "$@" ;;
    *" --tag=CC --mode=compile "*" -c -o "*.lo*) shift 4 ;;
    *) exec "$@" ;;
esac
for word do
    shift
    if [ "$before" = -o ]; then
        object=$word
    elif [ "$word" != -o ]; then
        set -- "$@" "$word"
    fi
    before=$word
done
directory=.
case $object in */*) directory=${object%/*} ;; esac
name=${object##*/}
name=${name%.lo}
[ -d "$directory/.libs" ] || mkdir -p "$directory/.libs"
"$@" -fPIC -DPIC -o "$directory/.libs/$name.o" || exit
cat > "$object" <<END
# $object - a libtool object file
# Generated by libtool
pic_object='.libs/$name.o'
non_pic_object=none
END
"""

    def _write_libtool(self):
        with open("libtool", encoding="utf-8") as f:
            config = f.read().partition("### END LIBTOOL CONFIG")[0].split("\n")
        made_for = {"build_libtool_libs=yes", "build_old_libs=no", 'pic_flag=" -fPIC -DPIC"'}
        with open(self.libtool, "w", encoding="utf-8") as f:
            f.write(self.libtool_script if made_for.issubset(config) else 'exec "$@"\n')

    # What autoconf's and libtool's own macros find out: that is all that their cache holds. Slurm's do
    # more than that while they look, and paths are another build's.
    configure_result = re.compile(
        # Slurm looks for these in one folder after the other, and takes the first where they were known.
        r"(?!ac_cv_(header|lib)_(nvml|nvidia_ml|rocm_smi|ze_))"
        r"(ac_cv_(c|func|have_decl|header|lib|member|search|sizeof|type|prog_cc|prog_cxx)|am_cv"
        r"|lt_cv(?!_path|_sys_global))_\w+="
    )

    def _file_for_results(self):
        """File for the results of this very configure with these arguments and dependencies."""
        folder = env.get("SLURM_FACTORY_CONFIGURE_RESULTS")
        if not folder:
            return None
        digest = hashlib.sha256(self.configure_result.pattern.encode())
        with open(os.path.join(self.stage.source_path, "configure"), "rb") as f:
            digest.update(f.read())
        for arg in self.configure_args():
            for path, name in ((self.stage.source_path, "@stage@"), (str(self.prefix), "@prefix@")):
                arg = arg.replace(path, name)
            digest.update(f"\n{arg}".encode())
        for hash_ in sorted(spec.dag_hash() for spec in self.spec.traverse(root=False)):
            digest.update(f"\n{hash_}".encode())
        return os.path.join(folder, digest.hexdigest())

    @run_before("configure")
    def _bring_results(self):
        # To keep two hundred programs of one line takes ccache longer than to compile them.
        env["CCACHE_DISABLE"] = "1"
        # Now, since Spack edits the script before it runs it.
        self._kept_results = kept = self._file_for_results()
        if kept and os.path.exists(kept):
            copy(kept, os.path.join(self.stage.source_path, "config.cache"))

    @run_after("configure")
    def _keep_results(self):
        # Where Spack does not use ccache, it stays off.
        if env.get("SPACK_CCACHE_BINARY"):
            del env["CCACHE_DISABLE"]
        kept = self._kept_results
        if kept:
            mkdirp(os.path.dirname(kept))
            with open(os.path.join(self.stage.source_path, "config.cache"), encoding="utf-8") as f:
                lines = [line for line in f if self.configure_result.match(line)]
            with open(f"{kept}.tmp", "w", encoding="utf-8") as f:
                f.writelines(lines)
            os.replace(f"{kept}.tmp", kept)

    @property
    def archive_files(self):
        """What configure found out, kept with the package: the manifest of a result tells it."""
        return [os.path.join(self.stage.source_path, name) for name in ("config.log", "config.h")]

    def build(self, spec, prefix):
        self._create_files()
        self._set_up_ccache()
        self._write_plan()
        self._write_libtool()
        self._make_all("all")

    def install(self, spec, prefix):
        self._make_all("install")
        if spec.satisfies("+contribs"):
            self._finish_contribs()
        if spec.satisfies("+pyxis"):
            self._install_pyxis()
        self._install_licences()
        self._unmark_headers()
        self._prune()
        self._finish_elf_files()
        self._check_features()
        self._check_relocatable()

    def _create_files(self):
        """What configure would do last, on one core: two hundred makefiles from their templates."""
        with open("config.status", encoding="utf-8") as f:
            kinds = dict(re.findall(r'^config_(\w+)="(.*)"$', f.read(), re.M))
        files = kinds["files"].split()
        # Without a name it would make all.
        count = min(make_jobs, len(files))
        batches = [files[start::count] for start in range(count)]
        batches.append(kinds["headers"].split() + kinds["commands"].split())
        config_status = Executable("./config.status")
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda names: config_status(*names), batches))

    # More words for the compiler alone.
    compile_only = []

    # What patch releases, GPUs and features differ in; all files include the headers that have it.
    configured = re.compile(
        r"\b((?:HAVE|WITH)_\w+|SLURM_VERSION_NUMBER|SLURM_VERSION_STRING|SLURM_MICRO|VERSION)\b"
    )
    configured_headers = ("config.h", "slurm/slurm_version.h")
    mark = "/* slurm-factory:"

    def _set_up_ccache(self):
        """Have ccache look at the files that a compile reads, and not run the preprocessor.

        Then what it does not have costs next to nothing. So that it has what another patch release or one
        without a GPU has compiled, it leaves out the headers that all include and that differ: each file
        says in its last line what it uses of them, and all else of them is hashed as a file of its own.
        """
        if not env.get("SPACK_CCACHE_BINARY"):
            return
        values = {}
        kept = os.path.abspath("slurm-factory-config.txt")
        with open(kept, "w", encoding="utf-8") as f:
            for header in self.configured_headers:
                with open(header, encoding="utf-8") as g:
                    for line in g:
                        definition = re.match(r"#define (\w+)(.*)", line)
                        if definition and self.configured.fullmatch(definition[1]):
                            values[definition[1]] = definition[2].strip()
                        elif not self.configured.search(line):
                            f.write(line)
        for path in self._c_files():
            with open(path, encoding="utf-8", errors="surrogateescape") as f:
                text = f.read()
            used = sorted(name for name in set(self.configured.findall(text)) if name in values)
            if used:
                told = " ".join(f"{name}={values[name]}" for name in used).replace("/**/", "")
                end = "" if text.endswith("\n") else "\n"
                self._rewrite(path, f"{text}{end}{self.mark} {told} */\n")
        # ccache knows a header by the name that the compiler has for it.
        ups = ["../" * levels for levels in range(8)]
        ignored = [up + header for header in self.configured_headers for up in ups]
        env["CCACHE_IGNOREHEADERS"] = ":".join(ignored)
        env["CCACHE_EXTRAFILES"] = kept
        env["CCACHE_DEPEND"] = "1"
        # It would have ccache preprocess all the same.
        env.pop("CCACHE_NOCPP2", None)
        self.compile_only = ["DEFS=-DHAVE_CONFIG_H -MD"]

    def _c_files(self):
        for directory, _, names in os.walk("."):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name))
                plain = name.endswith((".c", ".h", ".inc")) and not os.path.islink(path)
                if plain and path not in self.configured_headers:
                    yield path

    # Automake's own recursion takes one directory after the other, most of them with one file
    # to compile and one to link, which leaves the cores idle.
    plan = "slurm-factory.mk"

    def _make_all(self, target):
        """Make a target in all directories at once, those first that others link with."""
        libtool = f"LIBTOOL=/bin/sh $(top_builddir)/{self.libtool} $(SHELL) $(top_builddir)/libtool"
        words = [*self._shell, libtool, *self.compile_only]
        make(*words, "-C", "src/api", "all")
        # Every directory would look through those of the API again for this one's sake.
        extra = [f"target={target}", "LIB_SLURM_BUILD="]
        if self.spec.satisfies("+contribs"):
            # They would go where this machine's perl has its own.
            extra += [f"_perlsitedir={self._perl_dir}", f"_perldir={self._perl_dir}"]
            # Else the manual pages have the day in them.
            env["POD_MAN_DATE"] = "1970-01-01"
        make(*words, "-f", self.plan, *extra)

    @property
    def _perl_dir(self):
        return os.path.join(self.prefix.lib, "perl5")

    def _finish_contribs(self):
        """Commands in Perl find the modules from where they lie; what only a packager reads goes."""
        install("contribs/sjstat", self.prefix.bin)
        # Before 24-05 they go where perl itself would have them, below our prefix.
        place = os.path.dirname(find(self.prefix, "Slurm.pm")[0])
        if place != self._perl_dir:
            os.rename(place, self._perl_dir)
            os.removedirs(os.path.dirname(place))
        # The name is MPI's own.
        os.rename(self.prefix.bin.mpiexec, os.path.join(self.prefix.bin, "mpiexec.slurm"))
        use = 'use FindBin; use lib "$FindBin::RealBin/../lib/perl5";'
        for path in glob.glob(os.path.join(self.prefix.bin, "*")):
            with open(path, "rb") as f:
                if not re.match(rb"#! ?/usr/bin/(env )?perl", f.read(64)):
                    continue
            os.chmod(path, 0o755)
            filter_file(r"^use lib .*;$", use, path, backup=False)
        # A script for MailProg, which calls the command beside it.
        here = '$(dirname "$(readlink -f "$0")")'
        filter_file(str(self.prefix.bin), here, self.prefix.bin.smail, string=True, backup=False)
        for pattern in ("perllocal.pod", "auto/*/.packlist"):
            for path in glob.glob(os.path.join(self._perl_dir, pattern)):
                os.unlink(path)
        # Perl's own installation leaves nobody the right to write.
        for path in self._files():
            os.chmod(path, os.stat(path).st_mode | 0o200)

    def _install_pyxis(self):
        """A plugin of Slurm's, built against the headers of this one."""
        with working_dir("pyxis"):
            flags = f"{self._optimization} -ffile-prefix-map={self.stage.source_path}=."
            env["CFLAGS"] = flags
            env["CPPFLAGS"] = f"-I{self.prefix.include}"
            env["LDFLAGS"] = "-Wl,-z,lazy"
            make("spank_pyxis.so")
            for name in ("CFLAGS", "CPPFLAGS", "LDFLAGS"):
                del env[name]
            install("spank_pyxis.so", os.path.join(self.prefix.lib, "slurm"))
            mkdirp(self.prefix.share.pyxis, self.prefix.share.licenses.pyxis)
            install("LICENSE", self.prefix.share.licenses.pyxis)
        # Without a folder Slurm looks among its own plugins.
        with open(self.prefix.share.pyxis.join("pyxis.conf"), "w", encoding="utf-8") as f:
            f.write("required spank_pyxis.so\n")

    def _write_plan(self):
        directories = dict(self._directories("."))
        for contrib in self.contribs:
            directories.update(self._directories(contrib))
        needs = {name: self._linked_directories(name) for name in directories}
        with open(self.plan, "w", encoding="utf-8") as f:
            f.write(f".PHONY: all {' '.join(directories)}\n")
            f.write(f"all: {' '.join(directories)}\n")
            for name, suffix in directories.items():
                first = set() if name == "src/api" else {"src/api"}
                # What the API is made of has been made with it.
                if name not in needs["src/api"]:
                    first |= needs[name]
                first = sorted(first & set(directories))
                f.write(f"{name}: {' '.join(first)}\n")
                # Perl's own makefiles compile without the words that ccache needs.
                alone = "CCACHE_DISABLE=1 " if name.startswith("contribs/perlapi") else ""
                f.write(f"\t{alone}$(MAKE) -C {name} $(target){suffix}\n")

    def _directories(self, directory):
        """(directory, suffix of a target that is for this directory alone), as automake goes."""
        makefile = self._makefile(directory)
        values = dict(re.findall(r"^(\w+) *= *(.*)$", makefile, re.M))
        names = values.get("SUBDIRS", "")
        while "$" in names:
            names = re.sub(r"\$\((\w+)\)", lambda match: values.get(match[1], ""), names)
        yield directory, "-am" if names.split() else ""
        for name in names.split():
            if name != ".":
                yield from self._directories(os.path.normpath(os.path.join(directory, name)))

    def _linked_directories(self, directory):
        """Directories whose libraries are named in the Makefile of this one."""
        library = r"(\$\(top_builddir\)|\.\.)/((?:[\w.-]+/)*)lib[\w.-]+\.l?[ao]\b"
        linked = set()
        for start, path in re.findall(library, self._makefile(directory)):
            start = os.path.join(directory, "..") if start == ".." else "."
            linked.add(os.path.normpath(os.path.join(start, path)))
        return linked - {directory}

    def _makefile(self, directory):
        with open(os.path.join(directory, "Makefile"), encoding="utf-8", errors="replace") as f:
            return f.read().replace("\\\n", " ")

    def _install_licences(self):
        folder = os.path.join(self.prefix.share, "licenses", "slurm")
        mkdirp(folder)
        for name in ("COPYING", "DISCLAIMER", "LICENSE.OpenSSL"):
            install(name, folder)
        if self.spec.satisfies("+s2n"):
            # A plugin takes it in.
            licences = self.spec["s2n"].prefix.share.licenses
            install_tree(licences, os.path.join(self.prefix.share, "licenses"))

    def _unmark_headers(self):
        """What is installed of the headers is as Slurm has it."""
        for path in glob.glob(os.path.join(self.prefix.include, "slurm", "*.h")):
            with open(path, encoding="utf-8", errors="surrogateescape") as f:
                text = f.read()
            if self.mark in text:
                self._rewrite(path, text[: text.rindex(self.mark)])

    def _prune(self):
        """Out goes what nobody runs: HTML pages, libtool's files, sources for debuggers."""
        for path in ("share/doc", "lib/slurm/src"):
            directory = os.path.join(self.prefix, path)
            if os.path.isdir(directory):
                remove_linked_tree(directory)
        for path in self._files():
            if path.endswith((".la", ".a")):
                os.unlink(path)

    def _files(self):
        """All regular files of the prefix, Spack's own metadata left out."""
        for directory, names, files in os.walk(self.prefix):
            if directory == str(self.prefix) and ".spack" in names:
                names.remove(".spack")
            for name in sorted(files):
                path = os.path.join(directory, name)
                if not os.path.islink(path):
                    yield path

    def _finish_elf_files(self):
        with ThreadPoolExecutor(make_jobs) as pool:
            list(pool.map(self._finish_elf_file, list(self._files())))

    def _finish_elf_file(self, path):
        with open(path, "rb") as f:
            if f.read(4) != b"\x7fELF":
                return
        debug_file = self._keep_debug_file(path)
        # Debuggers of MPI programs need the MPIR symbols of srun and sattach.
        keep = os.path.basename(path) in ("srun", "sattach")
        which("strip", required=True)("--strip-debug" if keep else "--strip-unneeded", path)
        here = os.path.dirname(path)
        libraries = [self.prefix.lib, os.path.join(self.prefix.lib, "slurm")]
        relative = [os.path.relpath(library, here) for library in libraries]
        origins = ["$ORIGIN" if rel == "." else f"$ORIGIN/{rel}" for rel in relative]
        patchelf = Executable(os.path.join(self.spec["patchelf"].prefix.bin, "patchelf"))
        patchelf("--set-rpath", ":".join(origins), path)
        self._renew_build_id([path] + ([debug_file] if debug_file else []))
        if debug_file:
            which("objcopy", required=True)(f"--add-gnu-debuglink={debug_file}", path)

    def _renew_build_id(self, paths):
        """Make the build id of the first file's final bytes: the linker's is of the build prefix too."""
        # Elf64_Nhdr: size of the name, size of the id, NT_GNU_BUILD_ID, name.
        note = struct.pack("<III4s", 4, 20, 3, b"GNU\0")
        new_id = None
        for path in paths:
            with open(path, "rb") as f:
                data = bytearray(f.read())
            if note not in data:
                return  # not every compiler asks its linker for one
            if data.count(note) > 1:
                raise InstallError(f"{path} has {data.count(note)} build ids")
            start = data.index(note) + len(note)
            data[start : start + 20] = bytes(20)
            new_id = new_id or hashlib.sha1(data).digest()
            data[start : start + 20] = new_id
            with open(path, "r+b") as f:
                f.write(data)

    def _keep_debug_file(self, path):
        """Split the debug sections off to where debuggers look first: .debug beside the file."""
        if self.spec.satisfies("~debug"):
            return None
        directory = os.path.join(os.path.dirname(path), ".debug")
        mkdirp(directory)
        debug_file = os.path.join(directory, f"{os.path.basename(path)}.debug")
        objcopy = which("objcopy", required=True)
        objcopy("--only-keep-debug", "--compress-debug-sections", path, debug_file)
        return debug_file

    def _features(self):
        """The entries of features.json that this release and these variants must have.

        `variant` switches one on, `needs` says what to look at when it is missing, `define` is the
        line of config.h that shows one which makes no file of its own. The audit of the finished
        tarball and the toolchains' `lacks` go by the same entries.
        """
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "features.json")
        with open(path, encoding="utf-8") as f:
            features = json.load(f)["features"]
        for feature in features:
            conditions = [f"+{feature['variant']}"] if "variant" in feature else []
            if "since" in feature:
                conditions.append(f"@{feature['since'].replace('.', '-')}:")
            if all(self.spec.satisfies(condition) for condition in conditions):
                yield feature

    def _check_features(self):
        missing = []
        with open("config.h", encoding="utf-8") as f:
            config = f.read()
        for feature in self._features():
            look = f"{feature['feature']} (look at {', '.join(feature['needs']) or 'the build log'})"
            for pattern in feature["files"]:
                if not glob.glob(os.path.join(self.prefix, pattern)):
                    missing.append(f"{pattern}: {look}")
            define = feature.get("define")
            if define and f"#define {define} " not in config:
                missing.append(f"{define} in config.h: {look}")
        if missing:
            raise InstallError(
                f"slurm@{self.version} was built without what was asked for", "\n".join(missing)
            )

    def _check_relocatable(self):
        needle = os.fsencode(str(self.prefix))
        guilty = []
        for path in self._files():
            with open(path, "rb") as f:
                if needle in f.read():
                    guilty.append(os.path.relpath(path, self.prefix))
        if guilty:
            raise InstallError(
                f"slurm@{self.version} holds its build prefix, it would not run from another",
                "\n".join(guilty),
            )

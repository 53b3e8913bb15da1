"""The facts of a finished tarball that src/audit judges; this script judges nothing.

Runs inside the build's session: python3 -c <this text> REQUEST
REQUEST is JSON, as src/audit/run.ts writes it; what is printed is JSON too, as src/audit/facts.ts reads it.
It unpacks the tarball into a folder of its own, reads every file once, and loads every shared object into
the tarball's own programs.
"""

import ctypes
import fnmatch
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# Preloaded into a program of the tarball, this runs in place of its main(): it opens one library after the
# other, each in a child of its own, with the program's symbols at hand as when Slurm opens a plugin.
# Standard output is the answer's: a line for each library, fields between tabs.
PROBE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the library asks for and neither itself, its libraries nor the program has. */
static void print_missing(void *handle)
{
	struct link_map *map;
	const ElfW(Sym) *symbols = NULL;
	const char *names = NULL, *comma = "";
	unsigned int count = 0;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map))
		return;
	for (const ElfW(Dyn) *tag = map->l_ld; tag->d_tag != DT_NULL; tag++) {
		if (tag->d_tag == DT_SYMTAB)
			symbols = (const void *) tag->d_un.d_ptr;
		else if (tag->d_tag == DT_STRTAB)
			names = (const char *) tag->d_un.d_ptr;
		else if (tag->d_tag == DT_HASH)
			count = ((const unsigned int *) tag->d_un.d_ptr)[1];
		else if (tag->d_tag == DT_GNU_HASH && !count)
			/* Symbols that are asked for stand before the first one with a hash. */
			count = ((const unsigned int *) tag->d_un.d_ptr)[1];
	}
	/* Where nothing has a hash the names follow upon the symbols. */
	if (count <= 1 && (const char *) symbols < names)
		count = (names - (const char *) symbols) / sizeof(*symbols);
	for (unsigned int i = 1; symbols && names && i < count; i++) {
		const char *name = names + symbols[i].st_name;
		if (symbols[i].st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbols[i].st_info) == STB_WEAK)
			continue;
		if (dlsym(RTLD_DEFAULT, name) || dlsym(handle, name))
			continue;
		printf("%s%s", comma, name);
		comma = ",";
	}
}

static void load(const char *library, const char *companion)
{
	void *handle;
	char *error;

	if (*companion && !dlopen(companion, RTLD_NOW | RTLD_GLOBAL)) {
		printf("%s\tfailed\t\t%s\n", library, dlerror());
		return;
	}
	if (dlopen(library, RTLD_NOW)) {
		printf("%s\tnow\t\t\n", library);
		return;
	}
	error = strdup(dlerror());
	if (!(handle = dlopen(library, RTLD_LAZY))) {
		printf("%s\tfailed\t\t%s\n", library, dlerror());
		return;
	}
	printf("%s\tlazy\t", library);
	print_missing(handle);
	printf("\t%s\n", error);
}

__attribute__((constructor)) static void probe(void)
{
	char line[8192];
	FILE *list = fopen(getenv("PROBE_LIST"), "r");

	unsetenv("LD_PRELOAD");
	printf("ready\n");
	while (list && fgets(line, sizeof(line), list)) {
		char *companion = strchr(line, '\t');
		int status = 0;
		pid_t child;

		line[strcspn(line, "\n")] = 0;
		*companion++ = 0;
		fflush(stdout);
		if (!(child = fork())) {
			load(line, companion);
			fflush(stdout);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status)
			printf("%s\tfailed\t\tthe process that loaded it died\n", line);
	}
	fflush(stdout);
	_exit(0);
}
"""

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


def start_compiler(source, library):
    """Compiles a shared object, while others do something else."""
    compiler = subprocess.Popen(
        ["gcc", "-x", "c", "-shared", "-fPIC", "-o", library, "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    compiler.stdin.write(source)
    compiler.stdin.close()
    return compiler


def end_compiler(compiler):
    message = compiler.stderr.read()
    if compiler.wait() != 0:
        sys.exit(f"gcc failed: {message}")


def unpack(archive, root):
    """Unpacks below root; the entries' facts are the archive's, not those of the unpacked files.

    Returns (entries, None), or those until the damage and what is wrong with the archive.
    """
    entries, links = [], []
    try:
        with gzip.open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    entries.append(entry(member))
                    path = safe_path(root, member.name)
                    if member.isreg():
                        write(path, tar.extractfile(member).read(), member.mode)
                    elif member.issym():
                        links.append((path, member.linkname))
            # tarfile stops at the first thing it can't read, and never asks for gzip's sum at the end.
            rest = stream.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        return entries, str(error) or type(error).__name__
    # Only now, so that no file was written through a link.
    for path, target in links:
        if path and not os.path.isabs(target) and not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)
    if not entries:
        return entries, "it holds nothing"
    return entries, "what follows its last entry is no tar" if rest.strip(b"\0") else None


def entry(member):
    return {
        "path": member.name,
        "type": KINDS.get(member.type, "other"),
        "mode": member.mode,
        "uid": member.uid,
        "gid": member.gid,
        "size": member.size,
        "target": member.linkname if member.issym() or member.islnk() else None,
        "sha256": None,
        "forbidden": [],
        "script": None,
        "elf": None,
    }


def safe_path(root, name):
    if name.startswith("/") or ".." in name.split("/"):
        return None
    return os.path.join(root, name)


def write(path, data, mode):
    if path is None:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode & 0o777 | 0o600)


def read_file(job):
    """(sha256, forbidden strings, script's first line, ELF facts) of one file."""
    path, request = job
    with open(path, "rb") as file:
        data = file.read()
    forbidden = [text for text in request["forbidden"] if text.encode() in data]
    script, elf = None, None
    if data.startswith(b"#!"):
        script = data[2:].split(b"\n", 1)[0].decode(errors="replace").strip()
    elif data.startswith(b"\x7fELF"):
        try:
            elf = read_elf(data, request)
        except Exception as error:  # pyelftools throws whatever a damaged file leads it to.
            elf = {"error": str(error) or type(error).__name__}
    return hashlib.sha256(data).hexdigest(), forbidden, script, elf


def read_elf(data, request):
    elf = ELFFile(io.BytesIO(data))
    # One pass over the sections tells all; pyelftools would walk them again for every segment.
    sections = {section.name: section for section in elf.iter_sections()}
    if not sections:
        raise ValueError("it has no section headers")
    content = sections.get(".dynamic", sections.get(".text"))
    facts = {
        "error": None,
        "type": elf["e_type"],
        "machine": elf["e_machine"],
        "bits": elf.elfclass,
        "interpreter": None,
        "soname": None,
        "needed": [],
        "runpath": [],
        "versions": [],
        "newSymbols": {},
        "exports": [],
        "debugSections": any(name.startswith((".debug_", ".zdebug_")) for name in sections),
        # A file with nothing but debug sections: the others are there by name only.
        "debugFile": content is not None and content["sh_type"] == "SHT_NOBITS",
    }
    if facts["debugFile"]:
        return facts
    if ".interp" in sections:
        facts["interpreter"] = sections[".interp"].data().rstrip(b"\0").decode()
    newer = []
    for section in sections.values():
        if isinstance(section, DynamicSection):
            read_dynamic(section, facts)
        elif isinstance(section, GNUVerNeedSection):
            needs = [aux for _, auxiliaries in section.iter_versions() for aux in auxiliaries]
            facts["versions"] = sorted({aux.name for aux in needs})
            newer = [(aux["vna_other"], aux.name) for aux in needs if above(aux.name, request)]
    if newer:
        facts["newSymbols"] = name_symbols(elf, dict(newer))
    if any(name.encode() in data for name in request["exports"]):
        facts["exports"] = exported(elf, request["exports"])
    return facts


def read_dynamic(section, facts):
    for tag in section.iter_tags():
        kind = tag.entry.d_tag
        if kind == "DT_NEEDED":
            facts["needed"].append(tag.needed)
        elif kind == "DT_SONAME":
            facts["soname"] = tag.soname
        elif kind in ("DT_RPATH", "DT_RUNPATH"):
            path = tag.rpath if kind == "DT_RPATH" else tag.runpath
            facts["runpath"] += path.split(":")


def above(version, request):
    """Whether a symbol version is above its limit; its symbols are worth a look then."""
    prefix, _, number = version.partition("_")
    limit = request["limits"].get(prefix)
    try:
        return limit is not None and numbers(number) > numbers(limit)
    except ValueError:
        return True


def numbers(version):
    return [int(part) for part in version.split(".")]


def name_symbols(elf, versions):
    """Names of the symbols that need each of some versions, by version."""
    table, symbols = elf.get_section_by_name(".gnu.version"), elf.get_section_by_name(".dynsym")
    found = {name: [] for name in versions.values()}
    for index in range(symbols.num_symbols()):
        version = table.get_symbol(index)["ndx"]
        if version in versions:
            found[versions[version]].append(symbols.get_symbol(index).name)
    return found


def exported(elf, wanted):
    symbols = elf.get_section_by_name(".dynsym")
    return sorted(
        symbol.name
        for symbol in (symbols.iter_symbols() if symbols else [])
        if symbol.name in wanted and symbol["st_shndx"] != "SHN_UNDEF"
    )


class LinkMap(ctypes.Structure):
    """The start of glibc's struct link_map, which dlinfo(3) hands out."""

    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


def locate(soname):
    """Path of the system library that the loader takes for a soname; None where there is none."""
    try:
        library = ctypes.CDLL(soname)
    except OSError:
        return None
    found = ctypes.POINTER(LinkMap)()
    handle, by_link_map = ctypes.c_void_p(library._handle), 2
    if ctypes.CDLL(None).dlinfo(handle, by_link_map, ctypes.byref(found)) != 0:
        return None
    return os.fsdecode(found.contents.name)


def system_libraries(job):
    """Where each soname's library is, and the distribution's package that holds it."""
    sonames, manager = job
    paths = {soname: locate(soname) for soname in sonames}
    found = sorted({path for path in paths.values() if path})
    owners = (dpkg_owners if manager == "dpkg" else rpm_owners)(found)
    return [
        {"soname": soname, "path": path, "package": owners.get(path)}
        for soname, path in sorted(paths.items())
    ]


def spellings(path):
    """A package may know a file by its name before or after /usr was merged."""
    names = [path, os.path.realpath(path)]
    return names + [n[4:] if n.startswith("/usr/") else f"/usr{n}" for n in names]


def dpkg_owners(paths):
    wanted = {name: path for path in reversed(paths) for name in spellings(path)}
    if not wanted:
        return {}
    result = subprocess.run(
        ["dpkg-query", "--search", *wanted], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    owners = {}
    for line in result.stdout.splitlines():
        packages, _, name = line.rpartition(": ")
        if name in wanted and not packages.startswith("diversion "):
            owners[wanted[name]] = packages.split(",")[0].split(":")[0]
    return owners


def rpm_owners(paths):
    command = ["rpm", "--query", "--queryformat", "%{NAME}\n", "--file"]

    def ask(path):
        for name in spellings(path):
            result = subprocess.run([*command, name], capture_output=True, text=True)
            if result.returncode == 0:
                return path, result.stdout.splitlines()[0]
        return path, None

    with ThreadPoolExecutor() as threads:
        return dict(threads.map(ask, paths))


def run_probe(program, probe, listing, now):
    """Runs the probe in a program. Returns its lines' fields, or what went wrong."""
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": probe, "PROBE_LIST": listing}
    if now:
        environment["LD_BIND_NOW"] = "1"
    try:
        result = subprocess.run(
            [program],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env=environment,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    lines = result.stdout.splitlines()
    if not lines or lines[0] != "ready":
        return None, result.stderr.strip() or f"it ended with {result.returncode} before it was loaded"
    return [line.split("\t") for line in lines[1:]], None


def start_program(job):
    """Loads a program with all its symbols bound, and ends it before its main()."""
    program, probe = job
    _, error = run_probe(program, probe, os.devnull, now=True)
    return {
        "file": program,
        "binding": "failed" if error else "now",
        "program": None,
        "missing": [],
        "error": error,
    }


def load_libraries(job):
    """Opens each library in one program after the other, until one has all its symbols."""
    libraries, programs, probe, folder = job
    best, left = {}, list(libraries)
    for program in programs:
        if not left:
            break
        listing = os.path.join(folder, "list")
        with open(listing, "w") as file:
            file.writelines(f"{path}\t{companion}\n" for path, companion in left)
        lines, _ = run_probe(program, probe, listing, now=False)
        for path, binding, missing, error in (line for line in lines or [] if len(line) == 4):
            keep_best(best, path, program, binding, [m for m in missing.split(",") if m], error)
        left = [job for job in left if best.get(job[0], {}).get("binding") != "now"]
    none = {"binding": "failed", "program": None, "missing": [], "error": "no program of the tarball runs"}
    return [{"file": path, **best.get(path, none)} for path, _ in libraries]


def keep_best(best, path, program, binding, missing, error):
    """Now is better than lazy, lazy than failed; a symbol is missing where no program has it."""
    order = ["failed", "lazy", "now"]
    new = {"binding": binding, "program": program, "missing": missing, "error": error or None}
    old = best.get(path)
    if old and old["binding"] == binding == "lazy":
        fewer = new if len(missing) < len(old["missing"]) else old
        best[path] = {**fewer, "missing": [name for name in old["missing"] if name in missing]}
    elif not old or order.index(binding) > order.index(old["binding"]):
        best[path] = new


def companion_of(item, path, request, folder):
    """Library that opens first, as the plugin or its program opens it itself."""
    for rule in request["companions"]:
        if not fnmatch.fnmatch(item["path"], rule["file"]):
            continue
        if rule.get("library"):
            return rule["library"]
        return stand_in(path, rule["driver"], os.path.join(folder, os.path.basename(path)))
    return ""


def stand_in(path, prefix, library):
    """A library in the place of a driver's, which no builder has: all that the plugin asks of it."""
    with open(path, "rb") as file:
        symbols = ELFFile(file).get_section_by_name(".dynsym")
        names = {s.name for s in symbols.iter_symbols() if s["st_shndx"] == "SHN_UNDEF"}
    functions = sorted(name for name in names if name.startswith(prefix))
    end_compiler(start_compiler("".join(f"void {name}(void) {{}}\n" for name in functions), library))
    return library


def try_loads(files, root, request, probe, folder, pool):
    """Starts every program and loads every shared object, all at the same time."""
    programs, libraries = [], []
    for item, path in files:
        elf = item["elf"]
        if elf["error"] or elf["debugFile"]:
            continue
        # A program without a loader would ignore the probe and run.
        if elf["interpreter"] and item["mode"] & 0o111:
            programs.append(path)
        elif elf["type"] == "ET_DYN" and not elf["interpreter"]:
            libraries.append((path, companion_of(item, path, request, folder)))
    top = os.path.join(root, request["top"])
    hosts = [path for path in (os.path.join(top, name) for name in request["hosts"]) if path in programs]
    loaded = pool.apply_async(load_libraries, [(libraries, hosts, probe, folder)])
    started = pool.map(start_program, [(program, probe) for program in programs])
    return [tidy(load, root) for load in started + loaded.get()]


def tidy(load, root):
    """Paths as the archive has them."""
    for key in ("file", "program", "error"):
        if load[key]:
            load[key] = load[key].replace(f"{root}/", "")
    return load


def inventory(request, folder):
    root = os.path.join(folder, "tree")
    os.mkdir(root)
    probe = os.path.join(folder, "probe.so")
    compiler = start_compiler(PROBE, probe)
    entries, damage = unpack(request["archive"], root)
    if damage:
        compiler.kill()
        compiler.wait()
        return {"schema": 1, "damage": damage, "entries": entries, "systemLibraries": [], "loads": []}
    # A folder that is replaced by a file, or the like, has no path any more.
    files = [
        (item, path)
        for item, path in ((item, safe_path(root, item["path"])) for item in entries)
        if item["type"] == "file" and path and os.path.isfile(path)
    ]
    with multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool:
        read = pool.map(read_file, [(path, request) for _, path in files], chunksize=8)
        for (item, _), (item["sha256"], item["forbidden"], item["script"], item["elf"]) in zip(files, read):
            pass
        elf_files = [(item, path) for item, path in files if item["elf"]]
        own = {os.path.basename(item["path"]) for item in entries}
        needed = {name for item, _ in elf_files for name in item["elf"].get("needed", [])}
        owners = pool.apply_async(system_libraries, [(sorted(needed - own), request["packages"])])
        end_compiler(compiler)
        loads = try_loads(elf_files, root, request, probe, folder, pool)
        libraries = owners.get()
    return {
        "schema": 1,
        "damage": damage,
        "entries": entries,
        "systemLibraries": libraries,
        "loads": loads,
    }


def main(text):
    folder = tempfile.mkdtemp(prefix="slurm-factory-audit-")
    try:
        facts = inventory(json.loads(text), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    json.dump(facts, sys.stdout)


main(*sys.argv[1:])

"""The facts of a finished tarball that src/audit judges; this script judges nothing.

Runs inside the build's session, behind the texts of tar_reader.py and packages.py: python3 -c <all texts> REQUEST
REQUEST is JSON, as src/audit/run.ts writes it; what is printed is JSON too, as src/audit/facts.ts reads it.
It unpacks the tarball into a folder of its own, reads every file once, and loads every shared object into
the tarball's own programs. Nobody has looked at the tarball yet: it is read as a stream, and what is beyond
the limits is damage, or a finding on the file.
"""

import ctypes
import fnmatch
import hashlib
import json
import mmap
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

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

static void load(const char *library, char *companions)
{
	void *handle;
	char *error, *companion;

	for (companion = strtok(companions, ":"); companion; companion = strtok(NULL, ":"))
		if (!dlopen(companion, RTLD_NOW | RTLD_GLOBAL)) {
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
		char *companions = strchr(line, '\t');
		int status = 0;
		pid_t child;

		line[strcspn(line, "\n")] = 0;
		*companions++ = 0;
		fflush(stdout);
		if (!(child = fork())) {
			load(line, companions);
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

# What is said of one ELF file and of all files, in JSON: 4 KB and 500 KB for Slurm.
MOST_FACTS_OF_FILE, MOST_FACTS = 256 * 1024, 64 * MIB
# The kernel reads 256 bytes of a script's first line, and a loader's name is shorter.
LONGEST_INTERPRETER = 1024
# A library of Slurm with debug sections has some 40.
MOST_SECTIONS = 1000
# A worker's address space: the largest file, mapped, and pyelftools' view of it. Programs inherit it.
WORKER_BYTES = 1024 * MIB
MOST_WORKERS = 4
# Seconds. Slurm's largest library takes 0.1, the whole audit about one.
FILE_SECONDS, PROGRAM_SECONDS, ALL_SECONDS = 20, 30, 300
# What a program may print while it loads libraries; Slurm's print 40 KB.
MOST_OUTPUT = 16 * MIB
# Bytes of the list of files that the path of further packages is written into.
MOST_LIST = 16 * MIB


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


def limit_worker():
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_BYTES, WORKER_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def too_slow(*_):
    raise TimeoutError("it takes too long to read")


def read_file(job):
    """The facts that stand in one file."""
    path, request = job
    facts = {"sha256": EMPTY, "archive": False, "forbidden": [], "marked": False, "script": None, "elf": None}
    if os.path.getsize(path) == 0:
        return facts
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        facts["sha256"] = hashlib.sha256(data).hexdigest()
        facts["forbidden"] = [text for text in request["forbidden"] if holds(data, text)]
        facts["marked"] = holds(data, request["mark"])
        facts["archive"] = data[:8] in (b"!<arch>\n", b"!<thin>\n")
        if data[:2] == b"#!":
            line = data[2:LONGEST_INTERPRETER].split(b"\n", 1)[0]
            facts["script"] = line.decode(errors="replace").strip()
        elif data[:4] == b"\x7fELF":
            facts["elf"] = try_elf(data, request)
    return facts


EMPTY = hashlib.sha256().hexdigest()


def holds(data, text):
    # Without a start, it is looked for behind what was read last.
    return data.find(text.encode(), 0) >= 0


def try_elf(data, request):
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(FILE_SECONDS)
    try:
        elf = read_elf(data, request)
        if len(json.dumps(elf)) > MOST_FACTS_OF_FILE:
            raise ValueError("it has too many libraries, versions or folders")
        return elf
    # pyelftools throws whatever a damaged file leads it to; one that needs endless memory is another such.
    except (Exception, MemoryError) as error:
        return {"error": (str(error) or type(error).__name__)[:500]}
    finally:
        signal.alarm(0)


def read_elf(data, request):
    elf = ELFFile(data)
    if elf.num_sections() > MOST_SECTIONS:
        raise ValueError(f"it has {elf.num_sections()} sections")
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
        "bindNow": False,
        "debugSections": any(name.startswith((".debug_", ".zdebug_")) for name in sections),
        # A file with nothing but debug sections: the others are there by name only.
        "debugFile": content is not None and content["sh_type"] == "SHT_NOBITS",
    }
    if facts["debugFile"]:
        return facts
    if ".interp" in sections:
        if sections[".interp"]["sh_size"] > LONGEST_INTERPRETER:
            raise ValueError("its loader's name is too long")
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
    if any(holds(data, name) for name in request["exports"]):
        facts["exports"] = exported(elf, request["exports"])
    return facts


# DF_BIND_NOW and DF_1_NOW
BIND_NOW = {"DT_FLAGS": 8, "DT_FLAGS_1": 1}


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
        elif kind == "DT_BIND_NOW" or tag.entry.d_val & BIND_NOW.get(kind, 0):
            facts["bindNow"] = True


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
    owners = owning_packages(found, manager)
    return [
        {"soname": soname, "path": path, "package": owners.get(path)}
        for soname, path in sorted(paths.items())
    ]


def limit_output():
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))


def run_probe(program, probe, listing, now):
    """Runs the probe in a program. Returns its lines' fields, or what went wrong."""
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": probe, "PROBE_LIST": listing}
    if now:
        environment["LD_BIND_NOW"] = "1"
    # Into files: their size can be limited.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            result = subprocess.run(
                [program],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment,
                timeout=PROGRAM_SECONDS,
                preexec_fn=limit_output,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return None, str(error)
        output.seek(0)
        errors.seek(0)
        lines = os.fsdecode(output.read()).split("\n")[:-1]
        said = errors.read(4096).decode(errors="replace").strip()
    if not lines or lines[0] != "ready":
        return None, said or f"it ended with {result.returncode} before it was loaded"
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
        with open(listing, "w", errors="surrogateescape") as file:
            file.writelines(f"{path}\t{':'.join(companions)}\n" for path, companions in left)
        lines, _ = run_probe(program, probe, listing, now=False)
        asked = {path for path, _ in left}
        # A library that is loaded can print too.
        answers = [line for line in lines or [] if len(line) == 4 and line[0] in asked and line[1] in BINDINGS]
        for path, binding, missing, error in answers:
            keep_best(best, path, program, binding, [m for m in missing.split(",") if m], error)
        left = [job for job in left if best.get(job[0], {}).get("binding") != "now"]
    none = {"binding": "failed", "program": None, "missing": [], "error": "no program of the tarball runs"}
    return [{"file": path, **best.get(path, none)} for path, _ in libraries]


BINDINGS = ["failed", "lazy", "now"]


def keep_best(best, path, program, binding, missing, error):
    """Now is better than lazy, lazy than failed; a symbol is missing where no program has it."""
    new = {"binding": binding, "program": program, "missing": missing, "error": error or None}
    old = best.get(path)
    if old and old["binding"] == binding == "lazy":
        fewer = new if len(missing) < len(old["missing"]) else old
        best[path] = {**fewer, "missing": [name for name in old["missing"] if name in missing]}
    elif not old or BINDINGS.index(binding) > BINDINGS.index(old["binding"]):
        best[path] = new


def companions_of(item, path, request, folder):
    """Libraries that open first, as the plugin or its program opens them itself."""
    rules = [rule for rule in request["companions"] if fnmatch.fnmatch(item["path"], rule["file"])]
    libraries = [installed(rule["library"]) for rule in rules if rule.get("library")]
    drivers = [rule["driver"] for rule in rules if rule.get("driver")]
    stand_ins = [
        stand_in(path, driver, os.path.join(folder, f"{driver}-{os.path.basename(path)}")) for driver in drivers
    ]
    return libraries + [library for library in stand_ins if library]


def installed(pattern):
    """Soname of the distribution's library that a pattern means: its number is that of a release."""
    if "*" not in pattern:
        return pattern
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("\t")]
    return next((name for name in names if fnmatch.fnmatch(name, pattern)), pattern)


def stand_in(path, prefix, library):
    """A library in the place of a driver's, which no builder has: all that the plugin asks of it, if anything."""
    with open(path, "rb") as file:
        symbols = ELFFile(file).get_section_by_name(".dynsym")
        names = {s.name for s in symbols.iter_symbols() if s["st_shndx"] == "SHN_UNDEF"}
    functions = sorted(name for name in names if name.startswith(prefix))
    if not functions:
        return None
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
            libraries.append((path, companions_of(item, path, request, folder)))
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
    try:
        entries = unpack(request["archive"], root)
        workers = min(len(os.sched_getaffinity(0)), MOST_WORKERS)
        with multiprocessing.get_context("fork").Pool(workers, limit_worker) as pool:
            files = unpacked(entries, root)
            elf_files = read_files(files, request, pool)
            own = {os.path.basename(item["path"]) for item in entries}
            needed = {name for item, _ in elf_files for name in item["elf"].get("needed", [])}
            owners = pool.apply_async(system_libraries, [(sorted(needed - own), request["packageManager"])])
            end_compiler(compiler)
            loads = try_loads(elf_files, root, request, probe, folder, pool)
            facts = {"entries": entries, "systemLibraries": owners.get(), "loads": loads}
            facts["list"] = read_list(files, f"{request['top']}/{request['list']}")
        return {"schema": 1, "damage": None, **facts}
    except Damage as damage:
        return {"schema": 1, "damage": str(damage), "entries": [], "systemLibraries": [], "loads": []}
    finally:
        # Its own children would write on into the folder if it were killed.
        compiler.stderr.read()
        compiler.wait()


def read_list(files, wanted):
    """Text of the list of files that the path of further packages is written into; None where there is none."""
    for item, path in files:
        if item["path"] == wanted:
            if item["size"] > MOST_LIST:
                raise Damage(f"{wanted} is too long")
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
    return None


def unpacked(entries, root):
    """The files and where they are. One whose place another entry has taken is left out."""
    placed = ((item, safe_path(root, item["path"])) for item in entries if item["type"] == "file")
    return [
        (item, path) for item, path in placed if path and os.path.isfile(path) and not os.path.islink(path)
    ]


def read_files(files, request, pool):
    """Adds what stands in them to the files' facts. Returns the ELF files."""
    left = MOST_FACTS
    for (item, _), facts in zip(files, pool.imap(read_file, [(path, request) for _, path in files], 8)):
        item.update(facts)
        left -= len(json.dumps(facts))
        if left < 0:
            raise Damage("its ELF files have too many libraries, versions or folders")
    return [(item, path) for item, path in files if item["elf"]]


def out_of_time(*_):
    raise TimeoutError(f"it takes more than {ALL_SECONDS} s")


def main(text):
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(ALL_SECONDS)
    folder = tempfile.mkdtemp(prefix="slurm-factory-audit-")
    try:
        facts = inventory(json.loads(text), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What says the licence of what comes into a tree. Part of the scripts that run within a session, behind elf.py."""

import glob
import json
import os
import re
import subprocess
import tarfile


def licences(packages, manager, tree, updates=None):
    """Copies the statements of the packages' licences into the tree. Returns the packages that have none."""
    without = []
    for package in packages:
        target = os.path.join(tree, "share", "licenses", package)
        files = licence_files(package, manager, updates)
        for file in files:
            os.makedirs(target, exist_ok=True)
            copy(file, os.path.join(target, os.path.basename(file)))
            common(file, os.path.join(tree, "share", "licenses", "common"))
        if not files:
            without.append(package)
    return without


def licence_files(package, manager, updates):
    if manager == "dpkg":
        path = f"/usr/share/doc/{package}/copyright"
        # That of an update may be a link to the folder of another package, which is installed.
        candidates = [f"{updates}{path}", path] if updates else [path]
        return [name for name in candidates if os.path.isfile(name)][:1]
    result = subprocess.run(["rpm", "--query", "--licensefiles", package], capture_output=True, text=True)
    return [line for line in result.stdout.splitlines() if line.startswith("/") and os.path.isfile(line)]


# What projects call the file with their licence.
LICENCE = re.compile(r"(copying|licen[cs]es?|copyright|notice)([._-].*)?", re.IGNORECASE)
MOST_LICENCE_BYTES = 1 << 20


def built_licences(specs, request):
    """Copies what the sources of Spack's packages say of their licence. Returns the packages that say nothing."""
    without = []
    named = {rule["package"]: rule["files"] for rule in request["licences"]}
    for spec in specs:
        folder = os.path.join(request["tree"], "share", "licenses", spec["name"])
        texts = licence_texts(source_archive(spec, request["sources"]), named.get(spec["name"], []))
        for name, text in texts.items():
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(text)
        if not texts:
            without.append(spec["name"])
    return without


def source_archive(spec, folders):
    """Where Spack keeps what it fetched for a package, by the sum that the package's own document has."""
    try:
        with open(os.path.join(spec["prefix"], ".spack", "sbom", "spdx-2.3.json"), encoding="utf-8") as file:
            told = json.load(file)["packages"]
    except FileNotFoundError:
        return None
    sums = [
        item["checksumValue"]
        for package in told if (package["name"], package["versionInfo"]) == (spec["name"], spec["version"])
        for item in package.get("checksum", []) if item["algorithm"] == "SHA256"
    ]  # fmt: skip
    for total in sums:
        for folder in folders:
            pattern = os.path.join(glob.escape(folder), "_source-cache", "archive", total[:2], f"{total}*")
            for path in sorted(glob.glob(pattern)):
                return path
    return None


def licence_texts(archive, named):
    """Text by name of the files at the top of an archive that are named as licences are, or that are told."""
    texts = {}
    if archive is None:
        return texts
    with tarfile.open(archive) as tar:
        for member in tar:
            _, _, below = member.name.removeprefix("./").partition("/")
            wanted = below in named or ("/" not in below and LICENCE.fullmatch(below))
            if wanted and member.isfile() and member.size <= MOST_LICENCE_BYTES:
                texts[below.replace("/", "-")] = tar.extractfile(member).read()
    return texts


def common(file, target):
    """Debian's statements name the long texts, which lie in one place."""
    with open(file, errors="replace") as statement:
        names = re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])", statement.read())
    for name in sorted(set(names)):
        path = os.path.join("/usr/share/common-licenses", name)
        if os.path.isfile(path) and not os.path.exists(os.path.join(target, name)):
            os.makedirs(target, exist_ok=True)
            copy(path, os.path.join(target, name))

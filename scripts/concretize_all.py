"""Concretizes specs of our recipe in the environment that Spack was started with, without writing anything.

The recipe tells releases apart by the version ranges of its directives alone. Specs that differ in nothing but
releases which no directive tells apart are one question to the solver, and it is asked once.

usage: spack --env-dir FOLDER python concretize_all.py SPECS.json PROCESSES

Prints one line of JSON for each question: `asked`, the spec that was solved; `stands_for`, all specs that it answers;
`seconds`; and `nodes`, by name: the version and, of the distribution's own, the prefix; or `error`.
"""

import json
import sys
import time

import spack.concretize
import spack.llnl.util.tty as tty
import spack.repo
import spack.util.parallel
from spack.spec import Spec


def whens(package):
    """The conditions of all directives of a recipe."""
    directives = ("conflicts", "dependencies", "patches", "provided", "requirements", "resources", "variants")
    for name in directives:
        yield from getattr(package, name)


def question(spec):
    """What the solver is asked, whatever the release is called."""
    package = spack.repo.PATH.get_pkg_class(spec.name)
    rest = spec.copy()
    rest.versions = Spec(spec.name).versions
    ranges = {str(when.versions) for when in whens(package) if spec.versions.satisfies(when.versions)}
    return str(rest), tuple(sorted(ranges))


def solve(text):
    started = time.monotonic()
    try:
        with tty.SuppressOutput(msg_enabled=False):
            root = spack.concretize.concretize_one(Spec(text))
        nodes = {
            node.name: {
                "version": str(node.version),
                **({"external": node.external_path} if node.external else {}),
            }
            for node in root.traverse()
        }
        answer = {"nodes": nodes}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    return {"asked": text, "seconds": round(time.monotonic() - started, 2), **answer}


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        texts = json.load(f)
    groups = {}
    for text in texts:
        groups.setdefault(question(Spec(text)), []).append(text)
    asked = {group[-1]: group for group in groups.values()}
    # Made once, and not by each process.
    _ = spack.repo.PATH.provider_index
    answers = spack.util.parallel.imap_unordered(solve, list(asked), processes=int(sys.argv[2]), debug=False)
    for answer in answers:
        print(json.dumps({**answer, "stands_for": asked[answer["asked"]]}), flush=True)


main()

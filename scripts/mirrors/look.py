"""Says which packages a mirror has, and why it can't be asked: Spack takes every fault for a package that is not there.

Runs within Spack: spack -C SCOPE --env-dir ENVIRONMENT python look.py MIRROR HASH...
What is printed is JSON: {"there": [HASH...], "fault": {"status": HTTP status or null, "reason": text} or null}
"""

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import spack.environment
import spack.mirrors.mirror
import spack.oci.image
import spack.oci.oci
import spack.oci.opener
import spack.util.web
from spack.binary_distribution import _oci_default_tag
from spack.url_buildcache import get_url_buildcache_class


def look_in_registry(mirror, spec):
    reference = spack.oci.image.ImageReference.from_url(mirror.fetch_url).with_tag(_oci_default_tag(spec))
    headers = {"Accept": ", ".join(spack.oci.oci.manifest_content_type)}
    spack.oci.opener.urlopen(urllib.request.Request(reference.manifest_url(), headers=headers)).close()


def look_at_url(mirror, spec):
    url = get_url_buildcache_class(3).get_manifest_url(spec, mirror.fetch_url)
    spack.util.web.urlopen(url).close()


def fault_of(error):
    """What a service says is wrong; None where it says that there is no such thing."""
    cause = error
    while cause is not None and getattr(cause, "response", None) is None and cause.__cause__ is not None:
        cause = cause.__cause__
    answer = getattr(cause, "response", None) or {}
    status = getattr(error, "code", None) or answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, FileNotFoundError) or (status == 404 and not is_without_bucket(answer)):
        return None
    return {"status": status, "reason": str(reason) or type(reason).__name__}


def is_without_bucket(answer):
    return answer.get("Error", {}).get("Code") == "NoSuchBucket"


def main(name, hashes):
    mirror = spack.mirrors.mirror.MirrorCollection(binary=True).lookup(name)
    is_registry = spack.oci.image.is_oci_url(mirror.fetch_url)
    look = spack.util.web.retry_on_transient_error(look_in_registry if is_registry else look_at_url)
    specs = {spec.dag_hash(): spec for spec in spack.environment.active_environment().all_specs()}

    def find(one):
        try:
            look(mirror, specs[one])
            return one, True, None
        except Exception as error:
            return one, False, fault_of(error)

    # Who does not answer one question would not answer the others, after as long a wait each.
    found = [find(one) for one in hashes[:1]]
    if not any(fault for _, _, fault in found):
        with ThreadPoolExecutor(8) as threads:
            found += threads.map(find, hashes[1:])
    faults = [fault for _, _, fault in found if fault]
    json.dump({"there": [one for one, there, _ in found if there], "fault": faults[0] if faults else None}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

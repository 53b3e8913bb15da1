"""Lets Spack make its indexes of all packages: PYTHONHASHSEED=0 spack -C SCOPE python spack_indexes.py"""

import spack.repo

for repo in spack.repo.PATH.repos:
    # Each is written when it is asked for.
    _ = repo.provider_index, repo.tag_index, repo.get_patch_index()

# The builder image of every toolchain with dpkg: compilers, the libraries' headers and a Python with clingo.
ARG BASE_IMAGE

# Python packages are installed in a stage of their own, so neither pip nor the host's CA bundle stays.
FROM ${BASE_IMAGE} AS python
ARG PYTHON
ARG PYTHON_PACKAGES
ENV DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ${PYTHON_PACKAGES} \
 && rm -rf /var/lib/apt/lists/*
COPY clingo-requirements.txt /tmp/clingo-requirements.txt
COPY ca/ /tmp/ca/
# Spack finds clingo in this Python, so it never downloads its own at run time.
RUN if [ -f /tmp/ca/ca-bundle.crt ]; then export PIP_CERT=/tmp/ca/ca-bundle.crt; fi \
 && "${PYTHON}" -m venv /opt/slurm-factory/python \
 && /opt/slurm-factory/python/bin/python3 -m pip install \
      --require-hashes --only-binary :all: --no-compile -r /tmp/clingo-requirements.txt \
 && /opt/slurm-factory/python/bin/python3 -m pip uninstall -y setuptools pip \
 && /opt/slurm-factory/python/bin/python3 -c 'import clingo; clingo.Control()'

FROM ${BASE_IMAGE}
ARG PACKAGES
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES} \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old \
           /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
COPY --from=python /opt/slurm-factory/python /opt/slurm-factory/python
ENV LANG=C.UTF-8 \
    SPACK_PYTHON=/opt/slurm-factory/python/bin/python3

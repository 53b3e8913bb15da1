# The builder image of every toolchain with rpm: compilers, the libraries' headers and a Python with clingo.
ARG BASE_IMAGE

# Packages of the distribution that are in repositories which are off at first: these are enabled here.
FROM ${BASE_IMAGE} AS base
ARG REPOSITORY_PACKAGES
ARG REPOSITORIES
RUN if [ -n "${REPOSITORY_PACKAGES}" ]; then \
      dnf install --assumeyes --setopt=install_weak_deps=False ${REPOSITORY_PACKAGES}; \
    fi \
 && for name in ${REPOSITORIES}; do dnf config-manager --set-enabled "$name" || exit 1; done \
 && dnf clean all

# Python packages are installed in a stage of their own, so neither pip nor the host's CA bundle stays.
FROM base AS python
ARG PYTHON
ARG PYTHON_PACKAGES
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN dnf install --assumeyes --setopt=install_weak_deps=False ca-certificates ${PYTHON_PACKAGES} \
 && dnf clean all
COPY clingo-requirements.txt /tmp/clingo-requirements.txt
COPY ca/ /tmp/ca/
# Spack finds clingo in this Python, so it never downloads its own at run time.
RUN if [ -f /tmp/ca/ca-bundle.crt ]; then export PIP_CERT=/tmp/ca/ca-bundle.crt; fi \
 && "${PYTHON}" -m venv /opt/slurm-factory/python \
 && /opt/slurm-factory/python/bin/python3 -m pip install \
      --require-hashes --only-binary :all: --no-compile -r /tmp/clingo-requirements.txt \
 && /opt/slurm-factory/python/bin/python3 -m pip uninstall -y setuptools pip \
 && /opt/slurm-factory/python/bin/python3 -c 'import clingo; clingo.Control()'

FROM base
ARG PACKAGES
# The image has packages that are made smaller (libcurl-minimal); whole ones take their places.
RUN dnf install --assumeyes --setopt=install_weak_deps=False --allowerasing ${PACKAGES} \
 && dnf clean all \
 && rm -rf /var/cache/dnf /var/log/dnf*.log /var/log/hawkey.log
COPY --from=python /opt/slurm-factory/python /opt/slurm-factory/python
ENV LANG=C.UTF-8 \
    SPACK_PYTHON=/opt/slurm-factory/python/bin/python3

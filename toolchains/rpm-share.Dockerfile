# What works with build caches that machines share: a builder image that also speaks S3 and signs.
ARG BUILDER_IMAGE

FROM ${BUILDER_IMAGE} AS modules
ARG PYTHON
ARG PYTHON_PACKAGES
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN dnf install --assumeyes --setopt=install_weak_deps=False ca-certificates ${PYTHON_PACKAGES} \
 && dnf clean all
COPY s3-requirements.txt /tmp/s3-requirements.txt
COPY ca/ /tmp/ca/
RUN if [ -f /tmp/ca/ca-bundle.crt ]; then export PIP_CERT=/tmp/ca/ca-bundle.crt; fi \
 && "${PYTHON}" -m venv /tmp/pip \
 && /tmp/pip/bin/python3 -m pip install --require-hashes --only-binary :all: --no-deps --no-compile \
      --target /opt/slurm-factory/modules -r /tmp/s3-requirements.txt

FROM ${BUILDER_IMAGE}
RUN dnf install --assumeyes --setopt=install_weak_deps=False gnupg2 \
 && dnf clean all \
 && rm -rf /var/cache/dnf /var/log/dnf*.log /var/log/hawkey.log
COPY --from=modules /opt/slurm-factory/modules /opt/slurm-factory/modules
ENV PYTHONPATH=/opt/slurm-factory/modules

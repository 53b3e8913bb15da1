# What works with build caches that machines share: a builder image that also speaks S3 and signs.
ARG BUILDER_IMAGE

FROM ${BUILDER_IMAGE} AS modules
ARG PYTHON
ARG PYTHON_PACKAGES
ENV DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ${PYTHON_PACKAGES} \
 && rm -rf /var/lib/apt/lists/*
COPY s3-requirements.txt /tmp/s3-requirements.txt
COPY ca/ /tmp/ca/
RUN if [ -f /tmp/ca/ca-bundle.crt ]; then export PIP_CERT=/tmp/ca/ca-bundle.crt; fi \
 && "${PYTHON}" -m venv /tmp/pip \
 && /tmp/pip/bin/python3 -m pip install --require-hashes --only-binary :all: --no-deps --no-compile \
      --target /opt/slurm-factory/modules -r /tmp/s3-requirements.txt

FROM ${BUILDER_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gnupg \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*
COPY --from=modules /opt/slurm-factory/modules /opt/slurm-factory/modules
ENV PYTHONPATH=/opt/slurm-factory/modules

# The reconciler in a container: any UID, read-only root, one writable volume (/data).
#
#   buildah bud --tag reconcile .        (or: docker build --tag reconcile .)
#
# BASE is any Debian or Ubuntu with python3 3.11 or newer, its venv module and ca-certificates.
# GO is anything with Go 1.26 or newer; it builds kustomize, from modules locked by their hashes.
ARG BASE=python:3.11-slim-bookworm
ARG GO=golang:1.26-bookworm

# ---- kustomize: one static program ----
FROM ${GO} AS kustomize
WORKDIR /src
COPY lab/kustomize/go.mod lab/kustomize/go.sum ./
RUN CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
      -ldflags '-s -w -X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1' \
      -o /kustomize sigs.k8s.io/kustomize/kustomize/v5

# ---- dependencies: an environment with the locked packages, and nothing that we do not import ----
FROM ${BASE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
# pip stays in an environment of its own: the one that is shipped cannot install anything.
RUN python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/reconcile \
 && /opt/build/bin/pip install --quiet --require-hashes --no-deps -r requirements/build.txt \
 && /opt/build/bin/pip --python /opt/reconcile/bin/python \
      install --quiet --no-compile --require-hashes --no-deps -r requirements/runtime.txt
# Of the Kubernetes client we use configuration and credentials. The typed API (75 MB on disk with
# its asynchronous twin) and the packages that only it needs stay behind.
RUN cd /opt/reconcile/lib/python3*/site-packages/kubernetes \
 && rm -r aio dynamic informer leaderelection stream watch client/api utils/*_test.py config/*_test.py \
 && find client/models -name '*.py' ! -name __init__.py -delete \
 && sed -i -E '/^from \. import (dynamic|informer|leaderelection|stream|utils|watch)$/d' __init__.py \
 && /opt/build/bin/pip --python /opt/reconcile/bin/python uninstall --quiet --yes \
      aiohappyeyeballs aiohttp aiohttp-retry aiosignal attrs frozenlist multidict propcache \
      websocket-client yarl \
 && rm -r /opt/reconcile/include \
 && /opt/reconcile/bin/python -c 'from kubernetes import client, config; client.Configuration()' \
 && find /opt/reconcile -name __pycache__ -prune -exec rm -r {} +
# Of PyCryptodome we use one cipher: public keys, their arithmetic and the package's own tests (8 MB) stay behind.
RUN cd /opt/reconcile/lib/python3*/site-packages/Crypto \
 && rm -r IO Math PublicKey SelfTest Signature \
 && /opt/reconcile/bin/python -c 'from Crypto.Cipher import AES; AES.new(bytes(32), AES.MODE_GCM)' \
 && find /opt/reconcile -name __pycache__ -prune -exec rm -r {} +
# Compiled here, because the root is read-only where it runs; by hash, so that the same sources give
# the same bytes.
RUN /opt/reconcile/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/reconcile/lib

# ---- program: our own wheel, as a layer of its own, since it is small and changes often ----
FROM dependencies AS program
COPY pyproject.toml README.md ./
COPY reconciler reconciler
COPY manifests manifests
RUN SOURCE_DATE_EPOCH=315532800 /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation \
      --wheel-dir /wheel . \
 && /opt/build/bin/pip --python /opt/reconcile/bin/python install --quiet --no-compile --no-deps \
      --root /program /wheel/*.whl \
 && /opt/reconcile/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      -s /program -p / /program/opt/reconcile/lib

# ---- system: the base with what git and ssh need, and without what we do not ----
FROM ${BASE} AS system
# libnss-wrapper gives ssh a user name where the UID has none. Nothing is installed in a running
# container, so pip's copies go; nothing there needs to become root, so no program may: the
# set-user-ID and set-group-ID bits go too.
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
      ca-certificates git libnss-wrapper openssh-client \
 && apt-get purge -qy 'python3*-venv' 'python3-*-whl' \
 && rm -rf /usr/lib/python3*/ensurepip /usr/share/python-wheels \
      /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/* /usr/local/bin/pip* \
 && find /usr/share/doc -type f ! -name copyright -delete \
 && rm -rf /usr/share/info/* /usr/share/locale/* /usr/share/man/* \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/* /var/log/* \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && install -d -m 0777 /data

# ---- what is shipped: one layer each for system, dependencies and program ----
FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="reconcile" \
      org.opencontainers.image.description="Keeps the container images of Kubernetes workloads current, through Git." \
      org.opencontainers.image.version="${VERSION}"
COPY --from=system / /
COPY --from=kustomize /kustomize /usr/local/bin/kustomize
COPY --from=dependencies /opt/reconcile /opt/reconcile
COPY --from=program /program/ /
ENV PATH=/opt/reconcile/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    HOME=/data \
    TMPDIR=/data \
    RECONCILE_DATA_DIR=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["reconcile"]

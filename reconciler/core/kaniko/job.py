"""The Kaniko Job, as the API server takes it."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.images.reference import DEFAULT_HOST
from reconciler.core.kaniko.context import HTTP, SSH
from reconciler.core.kaniko.request import MAX_NAME, BuildRequest

EXECUTOR: Final = "kaniko"
CLONE: Final = "clone"
BUILD_LABEL: Final = "reconcile/build"
"""On Job and pod: which call of ours made it."""

_NAME_LABEL: Final = "app.kubernetes.io/name"
_DOCKER_CONFIG: Final = "/kaniko/.docker"
_CA: Final = "/kaniko/ca"
_OWN_CERTIFICATES: Final = "/kaniko/ssl/certs"
_WORKSPACE: Final = "/workspace"
_GIT_KEYS: Final = "/etc/git-keys"
_TERMINATION_LOG: Final = "/dev/termination-log"
"""What is written here the kubelet tells in the pod's status: the digest reaches whoever may read
the pod, and nobody has to search a log for it."""

_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID",
    "SYS_CHROOT",
)  # fmt: skip
"""What unpacking an image's files and running its commands as root takes; all are within the Pod
Security Standard "baseline". The executor is root, so "restricted" cannot be had."""

_FETCH: Final = """\
git init --quiet /workspace
cd /workspace
git fetch --quiet --depth=1 --no-tags -- "$CONTEXT_URL" "$CONTEXT_REF"
git checkout --quiet --detach FETCH_HEAD
git --no-pager log --max-count=1 --format='context is %H'
"""
_SSH: Final = (
    f"ssh -i {_GIT_KEYS}/identity -o IdentitiesOnly=yes -o BatchMode=yes "
    f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={_GIT_KEYS}/known_hosts"
)
_HASH_LETTERS: Final = 8
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")

Body = Mapping[str, Any]


def job_of(request: BuildRequest, *, name: str, build: str = "") -> Body:
    """Return the Job.

    Args:
        request: what is wanted.
        name: of the Job.
        build: which call makes it; empty: none, it is for Git.
    """
    labels = {_NAME_LABEL: "reconcile-build", **({BUILD_LABEL: build} if build else {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": request.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,  # the same inputs would fail the same way
            "activeDeadlineSeconds": request.deadline_s,
            "ttlSecondsAfterFinished": request.ttl_s,
            "template": {"metadata": {"labels": labels}, "spec": _pod_spec(request)},
        },
    }


def name_of(request: BuildRequest, end: str = "") -> str:
    """Return a name for the Job: ``build-web-3f9a2c1b``.

    Args:
        request: what is wanted.
        end: what tells this build from others; empty: a hash of all that is wanted. So a Job in Git
            gets another name when it changes: what it has cannot be changed.
    """
    if not end:
        spec = job_of(request, name="")["spec"]
        text = json.dumps(spec, sort_keys=True)
        end = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LETTERS]
    last = request.destinations[0].repository.last_part
    middle = _NOT_IN_NAMES.sub("-", last).strip("-")
    room = MAX_NAME - len(end) - len("build--")
    return f"build-{middle[:room].strip('-')}-{end}"


def _pod_spec(request: BuildRequest) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,  # what a Dockerfile runs is not to reach the cluster
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_executor(request)],
    }
    if request.context.scheme == SSH:
        spec["initContainers"] = [_clone(request)]
    if volumes := _volumes(request):
        spec["volumes"] = volumes
    if request.pull_secret:
        spec["imagePullSecrets"] = [{"name": request.pull_secret}]
    if request.platform is not None:
        spec["nodeSelector"] = {
            "kubernetes.io/arch": request.platform.architecture,
            "kubernetes.io/os": request.platform.system,
        }
    return spec


def _executor(request: BuildRequest) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": EXECUTOR,
        "image": request.executor_image,
        "args": _arguments(request),
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"], "add": list(_CAPABILITIES)},
        },
        "terminationMessagePath": _TERMINATION_LOG,
        "terminationMessagePolicy": "File",
    }
    if env := _environment(request):
        container["env"] = env
    if mounts := _mounts(request):
        container["volumeMounts"] = mounts
    if request.limits:
        container["resources"] = {"limits": dict(request.limits)}
    return container


def _arguments(request: BuildRequest) -> list[str]:
    context = request.context
    is_cloned = context.scheme == SSH
    found = [
        f"--dockerfile={request.dockerfile}",
        f"--context={f'dir://{_WORKSPACE}' if is_cloned else context.for_executor}",
    ]
    if context.folder:
        found.append(f"--context-sub-path={context.folder}")
    found += [f"--destination={each}" for each in request.destinations]
    found.append(f"--digest-file={_TERMINATION_LOG}")
    found += [f"--build-arg={each}" for each in request.build_args]
    if request.platform is not None:
        found.append(f"--custom-platform={request.platform}")
    if request.has_cache:
        found.append("--cache=true")
    if request.cache_repo:
        found.append(f"--cache-repo={request.cache_repo}")
    if request.ca_config_map:
        found += [f"--registry-certificate={host}={_CA}/ca.crt" for host in _hosts(request)]
    if not any(flag.startswith("--log-format") for flag in request.flags):
        found.append("--log-format=text")  # who reads it may be no terminal
    return [_literal(each) for each in (*found, *request.flags)]


def _literal(text: str) -> str:
    """Return a text from which the kubelet makes the same again: ``$(NAME)`` is a variable to it.

    Else a build argument could carry the password of the repository into the image.
    """
    return text.replace("$", "$$")


def _hosts(request: BuildRequest) -> list[str]:
    """Return the registries of the image that are not Docker's own."""
    hosts = dict.fromkeys(each.repository.host for each in request.destinations)
    return [host for host in hosts if host != DEFAULT_HOST]


def _environment(request: BuildRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if request.context.scheme == HTTP:
        found.append({"name": "GIT_PULL_METHOD", "value": "http"})
    if request.git_secret and request.context.scheme != SSH:
        found += [
            {
                "name": f"GIT_{key.upper()}",
                "valueFrom": {"secretKeyRef": {"name": request.git_secret, "key": key}},
            }
            for key in ("username", "password")
        ]
    if request.ca_config_map:
        found.append({"name": "SSL_CERT_DIR", "value": f"{_OWN_CERTIFICATES}:{_CA}"})
    return found


def _mounts(request: BuildRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if request.registry_secret:
        found.append({"name": "docker-config", "mountPath": _DOCKER_CONFIG, "readOnly": True})
    if request.ca_config_map:
        found.append({"name": "ca", "mountPath": _CA, "readOnly": True})
    if request.context.scheme == SSH:
        found.append({"name": "workspace", "mountPath": _WORKSPACE})
    return found


def _volumes(request: BuildRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if request.registry_secret:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        secret = {"secretName": request.registry_secret, "items": items, "defaultMode": 0o400}
        found.append({"name": "docker-config", "secret": secret})
    if request.ca_config_map:
        items = [{"key": "ca.crt", "path": "ca.crt"}]
        found.append({"name": "ca", "configMap": {"name": request.ca_config_map, "items": items}})
    if request.context.scheme == SSH:
        items = [{"key": key, "path": key} for key in ("identity", "known_hosts")]
        keys = {"secretName": request.git_secret, "items": items, "defaultMode": 0o400}
        found += [{"name": "workspace", "emptyDir": {}}, {"name": "git-keys", "secret": keys}]
    return found


def _clone(request: BuildRequest) -> dict[str, Any]:
    """Return the container that fetches what is reached by SSH: the executor has no client of it.

    URL and ref come as variables, so that nothing of them is ever read by the shell.
    """
    return {
        "name": CLONE,
        "image": request.git_image,
        "command": ["/bin/sh", "-euc", _FETCH],
        "env": [
            {"name": "CONTEXT_URL", "value": _literal(request.context.place)},
            {"name": "CONTEXT_REF", "value": _literal(request.context.for_git)},
            {"name": "GIT_SSH_COMMAND", "value": _SSH},
            {"name": "GIT_TERMINAL_PROMPT", "value": "0"},
        ],
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "workspace", "mountPath": _WORKSPACE},
            {"name": "git-keys", "mountPath": _GIT_KEYS, "readOnly": True},
        ],
    }

from typing import Any

import pytest

from reconciler.core.kaniko.job import BUILD_LABEL, job_of, name_of
from tests.core.kaniko.asking import asked

BASELINE = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
"""What the Pod Security Standard "baseline" lets a container add."""


def pod_of(**changes: object) -> dict[str, Any]:
    spec: dict[str, Any] = job_of(asked(**changes), name="build")["spec"]["template"]["spec"]
    return spec


def executor_of(**changes: object) -> dict[str, Any]:
    container: dict[str, Any] = pod_of(**changes)["containers"][0]
    return container


def test_the_job_of_the_article() -> None:
    job = job_of(
        asked(context="git://git.example/acme/web#refs/heads/main"), name="build-web-1", build="b"
    )

    assert job["metadata"] == {
        "name": "build-web-1",
        "namespace": "web",
        "labels": {"app.kubernetes.io/name": "reconcile-build", BUILD_LABEL: "b"},
    }
    spec = job["spec"]
    limits = (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"])
    assert limits == (0, 3600, 600)
    (container,) = spec["template"]["spec"]["containers"]
    assert container["args"] == [
        "--dockerfile=Dockerfile",
        "--context=git://git.example/acme/web#refs/heads/main",
        "--destination=registry.example/acme/web:v4",
        "--digest-file=/dev/termination-log",
        "--log-format=text",
    ]
    assert container["volumeMounts"] == [
        {"name": "docker-config", "mountPath": "/kaniko/.docker", "readOnly": True}
    ]
    (volume,) = spec["template"]["spec"]["volumes"]
    assert volume["secret"]["secretName"] == "regcred"
    assert volume["secret"]["items"] == [{"key": ".dockerconfigjson", "path": "config.json"}]


def test_everything_that_can_be_asked_for_reaches_the_executor() -> None:
    arguments = executor_of(
        context="https://git.example/a#main:docker",
        destinations=["registry.example/a:1", "other.example/a:1", "acme/web:1"],
        build_args=["VERSION=4", "TEXT=two words"],
        platform="linux/arm64",
        cache_repo="registry.example/cache",
        ca_config_map="own-ca",
        flags=["--snapshot-mode=redo", "--log-format=json"],
    )["args"]

    assert arguments == [
        "--dockerfile=Dockerfile",
        "--context=git://git.example/a#refs/heads/main",
        "--context-sub-path=docker",
        "--destination=registry.example/a:1",
        "--destination=other.example/a:1",
        "--destination=acme/web:1",
        "--digest-file=/dev/termination-log",
        "--build-arg=VERSION=4",
        "--build-arg=TEXT=two words",
        "--custom-platform=linux/arm64",
        "--cache=true",
        "--cache-repo=registry.example/cache",
        "--registry-certificate=registry.example=/kaniko/ca/ca.crt",
        "--registry-certificate=other.example=/kaniko/ca/ca.crt",
        "--snapshot-mode=redo",
        "--log-format=json",
    ]


def test_a_platform_chooses_the_node_for_what_the_dockerfile_runs() -> None:
    assert pod_of(platform="linux/arm64/v8")["nodeSelector"] == {
        "kubernetes.io/arch": "arm64",
        "kubernetes.io/os": "linux",
    }


def test_what_opens_the_repository_comes_from_a_secret() -> None:
    env = executor_of(git_secret="git")["env"]

    assert [each["name"] for each in env] == ["GIT_USERNAME", "GIT_PASSWORD"]
    assert [each["valueFrom"]["secretKeyRef"] for each in env] == [
        {"name": "git", "key": "username"},
        {"name": "git", "key": "password"},
    ]


def test_a_repository_behind_ssh_is_fetched_first_and_no_shell_reads_what_was_given() -> None:
    pod = pod_of(context="ssh://git@git.example/a$(id)#main:docker", git_secret="git")

    (clone,) = pod["initContainers"]
    script = clone["command"][-1]
    assert "git.example" not in script
    assert "refs/heads" not in script
    env = {each["name"]: each["value"] for each in clone["env"]}
    assert env["CONTEXT_URL"] == "ssh://git@git.example/a$$(id)"
    assert env["CONTEXT_REF"] == "refs/heads/main"
    assert "StrictHostKeyChecking=yes" in env["GIT_SSH_COMMAND"]
    assert "--context=dir:///workspace" in pod["containers"][0]["args"]
    assert "--context-sub-path=docker" in pod["containers"][0]["args"]
    assert "env" not in pod["containers"][0]
    assert {each["name"] for each in pod["volumes"]} == {"docker-config", "workspace", "git-keys"}


def test_no_text_of_a_person_is_filled_in_by_the_kubelet() -> None:
    arguments = executor_of(build_args=["A=$(GIT_PASSWORD)"], git_secret="git")["args"]

    assert "--build-arg=A=$$(GIT_PASSWORD)" in arguments


@pytest.mark.parametrize("context", ["https://git.example/a", "git@git.example:a"])
def test_no_container_has_more_than_baseline_lets_it(context: str) -> None:
    pod = pod_of(context=context, git_secret="git")

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        security = container["securityContext"]
        assert security["privileged"] is False
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"]["drop"] == ["ALL"]
        assert set(security["capabilities"].get("add", ())) <= BASELINE


def test_limits_bound_the_executor() -> None:
    limits = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi"}

    assert executor_of(limits=limits)["resources"] == {"limits": limits}


def test_without_a_secret_nothing_is_mounted() -> None:
    pod = pod_of(registry_secret="")

    assert "volumes" not in pod
    assert "volumeMounts" not in pod["containers"][0]


def test_plain_http_and_an_own_authority_and_a_private_executor() -> None:
    pod = pod_of(
        context="http://git.example/a", is_insecure=True, ca_config_map="ca", pull_secret="pull"
    )

    assert pod["containers"][0]["env"] == [
        {"name": "GIT_PULL_METHOD", "value": "http"},
        {"name": "SSL_CERT_DIR", "value": "/kaniko/ssl/certs:/kaniko/ca"},
    ]
    assert pod["imagePullSecrets"] == [{"name": "pull"}]


def test_a_job_for_git_has_another_name_when_anything_of_it_changes() -> None:
    first, same, other = (asked(build_args=[each]) for each in ("A=1", "A=1", "A=2"))

    assert name_of(first) == name_of(same) != name_of(other)


def test_a_name_fits_whatever_the_image_is_called() -> None:
    name = name_of(asked(destinations=[f"registry.example/a/{'b_cb-' * 20 + 'x'}:1"]), "x7k2")

    assert 40 < len(name) <= 52
    assert name.startswith("build-b-cb-b-cb-")
    assert name.endswith("-x7k2")

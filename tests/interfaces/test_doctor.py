"""``reconcile doctor``, as a user meets it."""

import json
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.lanes import Lanes
from lab.ports import free_port
from lab.registry import PASSWORD, Registry
from lab.ssh_server import make_key
from tests.interfaces.program import (
    COMMAND,
    Done,
    environment,
    on_a_terminal,
    program,
    undocumented,
)
from tests.simulators.registry import RegistrySimulator, Reply

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web}}
spec:
  template:
    spec:
      containers:
      - {{name: web, image: {host}/doctor/web:v1}}
      - {{name: gone, image: {host}/doctor/gone:v1}}
"""


@pytest.fixture
def remote(tmp_path: Path, anonymous_registry: Registry) -> BareRemote:
    anonymous_registry.push("doctor/web", "v1", "v2")
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"web.yaml": DEPLOYMENT.format(host=anonymous_registry.host).encode()})
    return remote


def doctor(*arguments: str, docker_config: Path | None = None) -> Done:
    config = ("--docker-config", str(docker_config)) if docker_config else ()
    return program("doctor", *config, *arguments, env={"COLUMNS": "200", "HOME": "/nonexistent"})


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.registry
def test_without_arguments_all_images_of_the_source_are_tried(
    remote: BareRemote, anonymous_registry: Registry, tmp_path: Path
) -> None:
    host = anonymous_registry.host

    done = doctor("--no-sync", "--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"))

    assert done.code == 3
    said = lines(done.out)
    tip = remote.tip()
    assert said[0] == str(remote.path)
    assert said[1].startswith("ok remote git answers, and lets us read, after ")
    assert said[2:6] == [
        f"ok branch main, which the remote's HEAD names, is at {tip[:7]}",
        f"ok read main@sha1:{tip}, with images of 2 repositories",
        "ok push may push to main, as far as its rules are known before a push",
        "ok clock the newest commit is from the past",
    ]
    assert remote.tip() == tip
    assert "ok name 127.0.0.1 is an address" in said
    assert "ok tls none: plain HTTP, on this very machine" in said
    assert "ok api there, for anybody" in said
    web = said.index(f"{host}/doctor/web")
    assert said[web + 1 : web + 3] == ["ok login none is asked for", "ok tags 2 tags"]
    gone = said.index(f"{host}/doctor/gone")
    assert said[gone + 2] == "FAILED tags the registry has no repository 'doctor/gone'"
    assert said[gone + 4] == "try: reconcile images | grep doctor/gone"
    assert [line for line in said if "skipped" in line] == ["skipped image the tags are not known"]


@pytest.mark.registry
def test_the_document_holds_the_same(anonymous_registry: Registry) -> None:
    anonymous_registry.push("doctor/web", "v1", "v2")
    host = anonymous_registry.host

    done = doctor(f"{host}/doctor/web:v1", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert (done.json["version"], done.json["exitCode"]) == (1, 0)
    assert undocumented(done.json) == set()
    assert [each["subject"] for each in done.json["checkups"]] == [host, f"{host}/doctor/web"]
    assert [check["name"] for check in done.json["checkups"][1]["checks"]] == [
        "login",
        "tags",
        "image",
    ]
    assert done.json["checkups"][1]["checks"][1] == {
        "name": "tags",
        "health": "ok",
        "detail": "2 tags",
        "cause": None,
        "remedy": None,
        "mayPass": False,
    }


@pytest.mark.registry
def test_a_wrong_password_is_a_failure_for_a_person_and_is_not_shown(
    lanes: Lanes, tmp_path: Path
) -> None:
    registry = lanes["3-htpasswd"]
    registry.push("doctor/web", "v1")
    good = doctor(
        f"{registry.host}/doctor/web",
        docker_config=registry.docker_config(tmp_path),
    )
    bad = doctor(
        f"{registry.host}/doctor/web",
        docker_config=registry.docker_config(tmp_path, password="wrong-canary"),
    )

    assert good.code == 0
    assert f"ok login of {tmp_path / 'config.json'}" in lines(good.out)
    assert PASSWORD not in good.out
    assert bad.code == 3
    server = shlex.quote(registry.host)
    assert f"kubectl create secret docker-registry regcred --docker-server={server}" in bad.out
    assert "canary" not in bad.out + bad.err


def test_one_registry_that_is_down_keeps_no_other_from_being_tried() -> None:
    down = f"127.0.0.1:{free_port()}"
    with RegistrySimulator(lambda _: Reply(body=b"{}")) as registry:
        done = doctor(down, registry.host)

    assert done.code == 1
    said = lines(done.out)
    assert said.index(down) < said.index(registry.host)
    assert said[-1] == "ok api there, for anybody"
    assert "skipped api see connect" in said


def test_a_host_that_says_nothing_is_given_up_and_the_others_are_told_in_order() -> None:
    with (
        RegistrySimulator(lambda _: Reply(delay_s=30)) as silent,
        RegistrySimulator(lambda _: Reply(body=b"{}")) as registry,
    ):
        done = doctor(silent.host, registry.host)

    assert done.code == 1
    said = lines(done.out)
    assert "FAILED api did not answer within 10 s" in said
    assert said.index(silent.host) < said.index(registry.host)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("https://ghcr.io/acme/web", "write 'ghcr.io/acme/web', without scheme"),
        ("ACME/Web:1", "'ACME/Web:1' is no image and no registry: "),
        ("registry/", "'registry/' is no image and no registry: "),
        ("", "'' is no image and no registry: has no repository"),
    ],
)
def test_what_is_no_image_and_no_registry_is_a_usage_error(argument: str, message: str) -> None:
    done = doctor(argument)

    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_registry_of_one_word_is_named_by_a_slash_at_its_end() -> None:
    port = free_port()

    done = doctor(f"registry.invalid:{port}/", "localhost/", f"localhost:{port}", "-o", "json")

    assert [each["subject"] for each in json.loads(done.out)["checkups"]] == [
        f"registry.invalid:{port}",
        "localhost",
        f"localhost:{port}",
    ]


def test_a_remote_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    missing = tmp_path / "no where.git"

    done = doctor("--no-sync", "--git-url", str(missing), "--data-dir", str(tmp_path / "data"))

    assert done.code == 3
    assert lines(done.out)[1].startswith("FAILED remote ")
    assert lines(done.out)[-1] == "skipped push the remote is not reached"
    assert f"try: git ls-remote '{missing}'" in lines(done.out)


def test_a_failure_is_red_and_its_remedy_stays_on_one_line() -> None:
    down = f"127.0.0.1:{free_port()}"

    seen = on_a_terminal("doctor", down)

    assert "\x1b[31m  FAILED   connect" in seen.out
    assert f"try:    curl -v telnet://{down} </dev/null" in seen.out


def test_ctrl_c_ends_it_at_once() -> None:
    with RegistrySimulator(lambda _: Reply(delay_s=60)) as silent:
        process = subprocess.Popen(
            [*COMMAND, "doctor", silent.host],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        try:
            while not silent.requests and process.poll() is None:
                pass
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=50)  # its own answer would take 60 s
        finally:
            process.kill()

    assert process.returncode == 130
    assert err.decode().strip() == "reconcile: interrupted"


@pytest.mark.parametrize("is_opened", [True, False], ids=["opened", "locked"])
def test_a_signing_key_is_tried_and_nothing_is_pushed(tmp_path: Path, *, is_opened: bool) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    tip = remote.put({"readme.md": b"nothing to sync\n"})
    make_key(tmp_path / "signer", passphrase="open sesame")
    (tmp_path / "passphrase").write_text("open sesame\n" if is_opened else "another\n")

    done = doctor(
        "--no-sync", "--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"),
        "--git-signing-key-file", str(tmp_path / "signer"),
        "--git-signing-passphrase-file", str(tmp_path / "passphrase"),
    )  # fmt: skip

    assert done.code == (0 if is_opened else 3), done.out + done.err
    said = next(line for line in lines(done.out) if " sign " in line)
    assert said == "ok sign a commit can be signed" if is_opened else "does not open" in said
    assert remote.tip() == tip

"""Credential helpers are programs of others: they get little, and a limit of time and of words."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.registry.docker_config import ConfigProblem
from reconciler.adapters.registry.helper import (
    FAILURE_KEPT_S,
    KEPT_S,
    Found,
    Helpers,
    helper_environment,
    read_answer,
)
from reconciler.adapters.registry.login import Login
from reconciler.core.redaction import Secret
from tests.fakes.clock import FakeClock

CANARY = "canary-7f3a"
ANSWER = json.dumps({"ServerURL": "x", "Username": "robot", "Secret": CANARY})
Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the helper ``docker-credential-lab``, from the lines of a shell script."""

    def write(script: str) -> None:
        path = tmp_path / "bin" / "docker-credential-lab"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "RECONCILE_GIT_PASSWORD": CANARY}


def ask(environment: dict[str, str], host: str = "r.example:5000", limit_s: float = 30) -> Found:
    return Helpers(environment, time_limit_s=limit_s).ask("lab", host)


def reason(found: Found) -> str:
    assert isinstance(found, ConfigProblem)
    assert CANARY not in f"{found!r} {found}"
    return str(found)


@pytest.mark.parametrize(
    ("host", "server"),
    [("r.example:5000", "r.example:5000"), ("docker.io", "https://index.docker.io/v1/")],
)
def test_a_helper_is_asked_by_the_protocol_of_docker(
    write: Write, environment: dict[str, str], tmp_path: Path, host: str, server: str
) -> None:
    write(f"echo \"$@\" > {tmp_path}/args; cat > {tmp_path}/given; echo '{ANSWER}'")

    assert ask(environment, host) == Login("robot", Secret(CANARY))
    assert (tmp_path / "args").read_text() == "get\n"
    assert (tmp_path / "given").read_text() == server


def test_a_helper_may_give_an_identity_token(write: Write, environment: dict[str, str]) -> None:
    write(f"""echo '{ANSWER.replace("robot", "<token>")}'""")

    assert ask(environment) == Login("<token>", Secret(CANARY), is_identity_token=True)


def test_a_helper_does_not_see_our_own_settings(
    write: Write, environment: dict[str, str], tmp_path: Path
) -> None:
    write(f"env > {tmp_path}/seen; echo '{ANSWER}'")

    ask({**environment, "AWS_PROFILE": "prod", "KUBECONFIG": CANARY})

    seen = (tmp_path / "seen").read_text()
    assert "AWS_PROFILE=prod" in seen
    assert "HOME=" in seen
    assert CANARY not in seen


def test_only_what_helpers_need_is_passed_on() -> None:
    assert helper_environment({"PATH": "a", "GCE_X": "b", "SECRET": "c", "LD_PRELOAD": "d"}) == {
        "PATH": "a",
        "GCE_X": "b",
    }


def test_a_helper_that_knows_nothing_is_no_problem(
    write: Write, environment: dict[str, str]
) -> None:
    write("echo 'credentials not found in native keychain'; exit 1")

    assert ask(environment) is None


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param(
            "echo 'no session'; echo more; exit 3", "failed with 3: no session", id="said"
        ),
        pytest.param(f"echo '{ANSWER}'; exit 1", "failed with 1", id="secret-and-failure"),
        pytest.param(f"echo 'Secret: {CANARY}'; exit 1", "failed with 1", id="secret-in-words"),
        pytest.param("printf '\\033[31mred'; exit 1", "failed with 1", id="escape-codes"),
        pytest.param("kill -9 $$", "failed with -9", id="killed"),
        pytest.param("echo hello", "printed no credentials", id="no-json"),
        pytest.param("echo '{\"Username\": 7}'", "printed no credentials", id="types"),
        pytest.param("yes '{}'", "printed more than 65,536 bytes", id="huge"),
    ],
)
def test_a_helper_that_fails_is_named_and_its_secret_is_not(
    write: Write, environment: dict[str, str], script: str, message: str
) -> None:
    write(script)

    assert reason(ask(environment)) == f"docker-credential-lab {message}"


def test_a_helper_that_answers_with_nothing_has_nothing(
    write: Write, environment: dict[str, str]
) -> None:
    write("echo '{}'")

    assert ask(environment) is None


def test_a_helper_that_is_not_there_or_cannot_be_run_is_named(
    write: Write, environment: dict[str, str], tmp_path: Path
) -> None:
    assert reason(ask(environment)) == "docker-credential-lab is not on the PATH"
    write("")
    (tmp_path / "bin" / "docker-credential-lab").write_text("#!/nonexistent/shell\n")
    assert "cannot be run: No such file or directory" in reason(ask(environment))


def test_a_name_that_is_a_path_is_not_run(environment: dict[str, str]) -> None:
    found = Helpers(environment).ask("../../bin/evil", "r.example")

    assert reason(found) == "'../../bin/evil' is no name of a credential helper"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("sleep 600", id="silent"),
        pytest.param("exec sleep 600 > /dev/null", id="closes-its-output"),
        pytest.param("sleep 600 & sleep 600 & exit 0", id="its-children-hold-its-output"),
        pytest.param("while :; do printf x; sleep 0.1; done", id="drips"),
    ],
)
def test_a_helper_that_hangs_is_ended_with_all_its_children(
    write: Write, environment: dict[str, str], tmp_path: Path, script: str
) -> None:
    write(f"echo $$ > {tmp_path}/group\n{script}")

    found = ask(environment, limit_s=2)

    assert reason(found) == "docker-credential-lab did not answer within 2 s"
    group = int((tmp_path / "group").read_text())
    deadline = time.monotonic() + 30
    while is_running(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(group)


def is_running(group: int) -> bool:
    """Whether a process of a group is left that is no zombie."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False


def test_an_answer_is_used_for_a_while_and_a_failure_for_a_shorter_one(
    write: Write, environment: dict[str, str], tmp_path: Path
) -> None:
    clock = FakeClock()
    helpers = Helpers(environment, clock=clock.now)
    write(f"echo x >> {tmp_path}/runs; exit 1")

    def runs_after(seconds: float) -> int:
        clock.sleep(seconds)
        helpers.ask("lab", "r.example")
        return len((tmp_path / "runs").read_text().split())

    assert [runs_after(0), runs_after(FAILURE_KEPT_S - 1), runs_after(2)] == [1, 1, 2]
    write(f"echo x >> {tmp_path}/runs; echo '{ANSWER}'")
    assert [runs_after(FAILURE_KEPT_S), runs_after(KEPT_S - 1), runs_after(2)] == [3, 3, 4]


def test_input_that_nobody_reads_is_no_failure(write: Write, environment: dict[str, str]) -> None:
    write(f"exec <&-; echo '{ANSWER}'")

    assert isinstance(ask(environment), Login)


def test_what_is_no_text_is_read_all_the_same() -> None:
    assert reason(read_answer("helper", 1, b"\xff!")) == "helper failed with 1: \ufffd!"
    assert reason(read_answer("helper", 0, b"[" * 60_000)) == "helper printed no credentials"

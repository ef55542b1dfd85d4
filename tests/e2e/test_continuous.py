"""Running continuously, on real parts: news arrive, outages pass, signals end it cleanly."""

import re
import signal
import socket
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from lab import story
from lab.git_server import USER, serving
from tests.e2e.running import Running, running
from tests.e2e.world import DRIVER, World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

TAGS = 50
PAUSE_S = 1.0  # between tags: about one a cycle
PATIENT = ("--timeout", "10m")  # a busy machine's pods take their time to be ready


def versions(world: World) -> list[int]:
    """Return the versions that Git's history went through, oldest first."""
    subjects = world.tags_committed()
    assert subjects[0] == "Deploy nginx v3"
    found = [re.fullmatch(r"Update nginx to v(\d+)", each) for each in subjects[1:]]
    assert all(found)
    return [3, *(int(each[1]) for each in found if each)]


def has_arrived(world: World, tag: str) -> bool:
    return world.cluster_image() == f"{world.image}:{tag}"


@pytest.mark.timeout(900)
def test_tags_pushed_one_after_another_arrive_each_once_or_not_at_all_and_the_last_one_does(
    world: World,
) -> None:
    with running(world, *PATIENT) as process:
        process.until_said("cycle.finished", result="ok")
        for number in range(4, 4 + TAGS):
            world.push(f"v{number}")
            threading.Event().wait(PAUSE_S)
        process.until(lambda: has_arrived(world, f"v{3 + TAGS}"))
        process.cycles(1)
        code = process.stop()

    history = versions(world)
    assert code == 0
    assert history[-1] == 3 + TAGS
    assert all(before < after for before, after in pairwise(history))
    assert len(process.said("image.updated")) == len(history) - 1
    assert process.said("problem.transient") == process.said("problem.stalled") == []
    assert process.left_behind() == []


@pytest.mark.timeout(900)
def test_registry_git_and_api_server_go_and_come_back_and_each_failure_is_told_once(
    world: World,
) -> None:
    world.git_flags = (
        "--git-username",
        USER,
        "--git-password-file",
        str(world.folder / "password"),
    )
    (world.folder / "password").write_text("git-password\n")
    root = world.folder / "git"
    with serving(root, password="git-password") as server:
        port = server.server_port
        world.git_url = f"{server.url}/web.git"
        process = Running(world, *PATIENT)
        process.until_said("cycle.finished", result="ok")

    try:
        outage(process, kind="git", number=1)
        with serving(root, password="git-password", port=port):
            recovery(process, world, tag="v4", number=1)

            world.registry.stop()
            outage(process, kind="registry", number=2)
            world.registry.start()
            recovery(process, world, tag="v5", number=2)

            world.control_plane.stop_apiserver()
            outage(process, kind="cluster", number=3)
            world.control_plane.start_apiserver()
            recovery(process, world, tag="v6", number=3)
            code = process.stop()
    finally:
        process.kill()

    assert code == 0
    assert process.said("problem.stalled") == []
    assert versions(world) == [3, 4, 5, 6]


def outage(process: Running, *, kind: str, number: int) -> None:
    """Watch several cycles fail: the log has one line for all of them."""
    process.until_said("problem.transient", kind=kind)
    told = len(process.lines)
    process.cycles(3)

    assert len(process.said("problem.transient")) == number
    assert {line["event"] for line in process.lines[told:]} == {"cycle.finished"}
    assert f'kind="{kind}",source="default"' in process.ask("/metrics")
    assert process.ask("/healthz") == "ok\n"


def recovery(process: Running, world: World, *, tag: str, number: int) -> None:
    """Watch what was pushed meanwhile arrive."""
    process.until_said("problem.passed", count=number)
    world.push(tag)
    process.until(lambda: has_arrived(world, tag))
    process.cycles(1)

    assert len(process.said("problem.transient")) == len(process.said("problem.passed")) == number


@pytest.mark.timeout(1200)
def test_asked_to_end_before_a_step_it_ends_cleanly_and_the_next_run_completes_the_work(
    world: World,
) -> None:
    assert world.run("--no-wait").code == 0
    version = 3
    for step in range(0, 60, 3):  # tests/e2e/test_kill.py takes every one
        version += 1
        world.push(f"v{version}")
        program = (str(DRIVER), f"{step}:TERM")
        with running(world, "--no-wait", interval="1h", program=program) as process:
            process.until(
                lambda: process.said("driver.signalled") or process.said("cycle.finished")
            )
            is_over = not process.said("driver.signalled")
            code = process.stop() if is_over else process.wait()
        recovered = world.run("--no-wait")

        is_second = is_over and process.said("driver.signalled")  # while a lease was given back
        assert (code, process.left_behind()) == (128 + signal.SIGTERM if is_second else 0, [])
        assert (recovered.code, recovered.err) == (0, "")
        assert has_arrived(world, f"v{version}")
        if is_over:
            break

    assert step > 8
    assert versions(world) == list(range(3, version + 1))
    mark = world.control_plane.mark()
    assert world.run().code == 0
    assert world.control_plane.writes(since=mark) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("wait_s", [0.05, 0.4, 0.9])
def test_asked_to_end_at_any_moment_it_ends_cleanly_and_the_next_run_completes_the_work(
    world: World, wait_s: float
) -> None:
    with running(world) as process:
        process.until_said("loop.started")
        world.push("v4")
        threading.Event().wait(wait_s)
        code = process.stop()

    assert (code, process.left_behind()) == (0, [])
    assert [line["event"] for line in process.lines][-1] == "loop.ended"
    done = world.run("--no-wait")
    assert (done.code, done.err) == (0, "")
    assert has_arrived(world, "v4")
    assert versions(world) == [3, 4]


@pytest.mark.timeout(600)
def test_it_updates_its_own_image_and_ends_cleanly_when_its_rollout_ends_it(world: World) -> None:
    own = world.remote.content(f"main:{story.DEPLOYMENT_PATH}").decode()
    never_ready = own.replace("replicas: 2", "replicas: 2\n  minReadySeconds: 500")
    world.remote.put({story.DEPLOYMENT_PATH: never_ready.encode()}, "Take long to be ready")
    with running(world, "--timeout", "10m") as process:
        process.until(lambda: world.control_plane.get("-A", "deployments") and exists(world))
        world.push("v4")
        process.until(lambda: has_arrived(world, "v4"))
        code = process.stop()  # what a kubelet does to the old pod of such a rollout

    assert (code, process.left_behind()) == (0, [])
    assert process.said("loop.ended", is_clean=True)
    mark = world.control_plane.mark()
    with running(world) as successor:
        successor.until_said("cycle.finished")
        assert successor.stop() == 0
    written = {each.name for each in world.control_plane.writes(since=mark)}
    assert written <= {"reconcile-default"}  # its status, if the first one was cut short
    assert world.tags_committed()[-1] == "Update nginx to v4"
    assert successor.said("image.updated") == []


def exists(world: World) -> bool:
    found = world.control_plane.get("-A", "deployments")["items"]
    return any(each["metadata"]["namespace"] == world.name for each in found)


@pytest.mark.timeout(600)
def test_a_workload_that_never_becomes_healthy_does_not_hold_back_the_next_tag_and_is_told_of(
    world: World,
) -> None:
    own = world.remote.content(f"main:{story.DEPLOYMENT_PATH}").decode()
    never_ready = own.replace("replicas: 2", "replicas: 2\n  minReadySeconds: 500")
    world.remote.put({story.DEPLOYMENT_PATH: never_ready.encode()}, "Take long to be ready")
    with running(world, "--timeout", "5s") as process:
        process.until(lambda: exists(world))
        world.push("v4")
        process.until(lambda: has_arrived(world, "v4"))
        process.until_said("problem.transient", kind="cluster")
        process.cycles(3)
        assert process.stop() == 0

    [problem] = process.said("problem.transient")
    assert problem["problem"].startswith("not healthy after 5 s: ")
    assert "deployment.apps/nginx-deployment" in problem["where"]


@pytest.mark.timeout(600)
def test_signals_ask_for_cycles_and_interrupt(world: World) -> None:
    with running(world, "--no-sync", interval="1h") as process:
        process.until_said("cycle.finished")
        assert process.ask("/readyz") == "ok\n"
        world.push("v4")
        process.signal(signal.SIGHUP)
        process.until_said("image.updated")
        process.signal(signal.SIGINT)

        assert process.wait() == 130

    assert versions(world) == [3, 4]
    assert [line["event"] for line in process.lines] == [
        "loop.started", "cycle.finished", "loop.asked", "image.updated", "cycle.finished",
        "loop.ending", "loop.ended",
    ]  # fmt: skip


@pytest.mark.timeout(600)
def test_a_registry_that_never_answers_does_not_keep_the_process(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        manifest = world.manifest().replace(world.registry.host, host)
        world.remote.put({story.DEPLOYMENT_PATH: manifest.encode()}, "Pull from elsewhere")
        with running(world, "--no-sync") as process:
            asking, _ = silent.accept()
            with asking:
                assert process.stop() == 0

    assert process.said("loop.ended", is_clean=True)
    assert process.said("cycle.finished", result="stopped")


@pytest.mark.timeout(600)
def test_one_cycle_that_is_asked_to_end_is_interrupted_as_by_hand(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        manifest = world.manifest().replace(world.registry.host, host)
        world.remote.put({story.DEPLOYMENT_PATH: manifest.encode()}, "Pull from elsewhere")
        with running(world, "--no-sync", "--once") as process:
            asking, _ = silent.accept()
            with asking:
                code = process.stop()

    assert (code, process.left_behind()) == (130, [])
    assert process.text.strip() == "reconcile: interrupted"


@pytest.mark.timeout(600)
def test_a_second_signal_ends_it_at_once_with_the_git_that_it_runs(world: World) -> None:
    (world.folder / "password").write_text("git-password\n")
    is_pushing, may_push = threading.Event(), threading.Event()
    world.push("v4")
    with serving(world.folder / "git", password="git-password") as server:
        world.git_url = f"{server.url}/web.git"
        password = ("--git-username", USER, "--git-password-file", str(world.folder / "password"))
        world.git_flags = password

        def hold() -> None:
            if "git-receive-pack" in server.paths[-1]:
                is_pushing.set()
                may_push.wait(300)

        server.on_request = hold
        with running(world, "--no-sync") as process:
            assert is_pushing.wait(240)
            process.signal(signal.SIGTERM)
            process.until_said("loop.ending")
            assert process.left_behind() != []
            process.signal(signal.SIGTERM)
            code = process.wait()
            process.until_nothing_is_left()
            may_push.set()

    assert code == 128 + signal.SIGTERM


def test_a_port_that_is_taken_is_a_wrong_setting(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with running(world, "--no-sync", "--listen", address) as process:
            code = process.wait()

    assert code == 2
    assert process.text == (
        f"reconcile: --listen: cannot listen on '{address}': address already in use\n"
    )


@pytest.mark.timeout(1200)
def test_a_hundred_cycles_without_news_leave_nothing_behind(world: World) -> None:
    with running(world, interval="1h") as process:
        process.until_said("cycle.finished")
        asked_for(process, cycles=30)
        before = resources(process)
        mark = world.control_plane.mark()
        asked_for(process, cycles=120)
        after = resources(process)
        assert process.stop() == 0

    assert after["threads"] <= before["threads"] + 2
    assert after["files"] <= before["files"] + 4
    assert after["memory"] <= before["memory"] * 1.1 + 4 * 1024
    assert world.control_plane.writes(since=mark) == []


def asked_for(process: Running, *, cycles: int) -> None:
    """Have cycles run one right after the other."""
    for _ in range(cycles):
        count = len(process.said("cycle.finished"))
        process.signal(signal.SIGHUP)
        process.until_said("cycle.finished", count=count + 1)


def resources(process: Running) -> dict[str, int]:
    """Return what a process has: threads, open files, and KiB of memory."""
    folder = Path("/proc") / str(process.pid)
    status = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    return {
        "threads": int(status["Threads"]),
        "files": sum(1 for _ in (folder / "fd").iterdir()),
        "memory": int(status["VmRSS"].split()[0]),
    }

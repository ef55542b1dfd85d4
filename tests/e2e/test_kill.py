"""Killed at any step, the next run ends where an undisturbed one would have ended."""

import signal

import pytest

from tests.e2e.world import DRIVER, World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

ENOUGH = 60


@pytest.mark.timeout(1800)
def test_killed_at_every_step_of_the_first_run_the_next_one_recovers(world: World) -> None:
    for step in range(ENOUGH):
        killed = world.run(program=(str(DRIVER), str(step)))
        if killed.code != -signal.SIGKILL:
            break
    else:
        pytest.fail(f"more than {ENOUGH} steps")

    assert killed.code == 0
    assert step > 10
    assert world.cluster_image() == f"{world.image}:v3"
    mark = world.control_plane.mark()
    assert world.run().code == 0
    assert world.control_plane.writes(since=mark) == []


@pytest.mark.timeout(1800)
def test_killed_at_every_step_of_an_update_there_is_one_commit_a_tag(world: World) -> None:
    world.run()
    version = 3
    for step in range(ENOUGH):
        version += 1
        world.push(f"v{version}")
        killed = world.run("--no-wait", program=(str(DRIVER), str(step)))
        if killed.code == 0:
            break
        assert killed.code == -signal.SIGKILL
        recovered = world.run("--no-wait")
        assert (recovered.code, recovered.err) == (0, "")
        assert world.cluster_image() == f"{world.image}:v{version}"

    assert step > 8
    assert world.tags_committed() == [
        "Deploy nginx v3",
        *(f"Update nginx to v{number}" for number in range(4, version + 1)),
    ]
    assert world.run().code == 0  # the first that waits, and so finds all healthy
    mark = world.control_plane.mark()
    assert world.run().code == 0
    assert world.control_plane.writes(since=mark) == []

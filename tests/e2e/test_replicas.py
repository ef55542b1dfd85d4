"""Several processes with one source: one works, another takes over, and no commit is doubled."""

import signal
import time
from contextlib import ExitStack

import pytest

from lab.story import DEPLOYMENT_PATH
from tests.e2e.running import Running, running
from tests.e2e.test_webhooks import SECRET, hook
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

REPLICAS = 3


def leader(replicas: list[Running]) -> Running:
    """Return who leads by its own account; the newest, if one of them sleeps."""
    leading = [each for each in replicas if each.said("lease.changed")]
    leading = [each for each in leading if each.said("lease.changed")[-1]["leads"]]
    return max(leading, key=lambda each: each.said("lease.changed")[-1]["timestamp"])


def until_arrived(world: World, process: Running, tag: str) -> None:
    process.until(lambda: world.cluster_image() == f"{world.image}:{tag}")


@pytest.mark.timeout(900)
def test_replicas_are_killed_and_put_to_sleep_and_no_commit_is_lost_or_doubled(
    world: World,
) -> None:
    with ExitStack() as stack:
        (world.folder / "secret").write_text(SECRET)
        flags = ("--no-wait", "--webhook-secret-file", str(world.folder / "secret"), "--data-dir")
        replicas = [  # as pods have it, each with clones of its own
            stack.enter_context(running(world, *flags, str(world.folder / f"data{number}")))
            for number in range(REPLICAS)
        ]
        replicas[0].until(lambda: any(each.said("cycle.finished") for each in replicas))
        first = leader(replicas)
        world.push("v4")
        until_arrived(world, first, "v4")
        assert [bool(each.said("cycle.finished")) for each in replicas].count(True) == 1
        follower = next(each for each in replicas if each is not first)
        assert follower.ask("/readyz") == "ok\n"
        assert 'reconcile_leader{source="default"} 0.0' in follower.ask("/metrics")
        push = {"ref": "refs/heads/main", "repository": {"full_name": "git/web"}}
        assert hook(follower, "github", push) == 202
        first.until_said("loop.asked", by="webhook")
        once = world.run()
        assert once.code == 1
        assert "is led by" in once.err

        first.kill()
        replicas.remove(first)
        world.push("v5")
        until_arrived(world, replicas[0], "v5")

        second = leader(replicas)
        second.signal(signal.SIGSTOP)
        asleep_at = time.monotonic()
        awake = next(each for each in replicas if each is not second)
        world.push("v6")
        until_arrived(world, awake, "v6")
        awake.until(lambda: time.monotonic() - asleep_at > 1)
        second.signal(signal.SIGCONT)
        second.until(lambda: not second.said("lease.changed")[-1]["leads"])
        world.push("v7")
        until_arrived(world, awake, "v7")
        assert leader(replicas) is awake

        assert awake.stop() == 0  # and gives its lease back
        world.push("v8")
        until_arrived(world, second, "v8")
        assert second.stop() == 0

    assert world.tags_committed() == [
        "Deploy nginx v3",
        *(f"Update nginx to v{number}" for number in range(4, 9)),
    ]
    changed = world.remote.show()
    assert changed.count("+++ ") == 1
    assert DEPLOYMENT_PATH in changed
    assert world.run().code == 0  # nobody holds it any more

from typing import Any

import pytest

from reconciler.core.kaniko.progress import Progress, Stage, progress_of

DIGEST = "sha256:" + "4" * 64
JOB: dict[str, Any] = {
    "metadata": {"name": "build", "namespace": "web", "uid": "u1"},
    "spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u1"}}},
}
Item = dict[str, Any]


def job(condition: str = "", reason: str = "", message: str = "") -> Item:
    found = {"type": condition, "status": "True", "reason": reason, "message": message}
    return {**JOB, "status": {"conditions": [found] if condition else []}}


def pod(
    phase: str = "Pending", *, owner: str = "u1", name: str = "build-x", created: str = "1",
    init: Item | None = None, **state: Item,
) -> Item:  # fmt: skip
    status: Item = {"phase": phase}
    if init is not None:
        status["initContainerStatuses"] = [{"name": "clone", "state": init}]
    if state:
        status["containerStatuses"] = [{"name": "kaniko", "state": state, "ready": True}]
    owners = [{"kind": "Job", "uid": owner, "controller": True}]
    metadata = {
        "name": name, "uid": f"of-{name}", "ownerReferences": owners, "creationTimestamp": created
    }  # fmt: skip
    return {"metadata": metadata, "status": status}


def test_without_a_pod_it_waits() -> None:
    assert progress_of(job(), []) == Progress(Stage.PENDING)


def test_a_pod_of_somebody_else_is_not_its_own() -> None:
    assert progress_of(job(), [pod("Succeeded", owner="u2")]).stage is Stage.PENDING


def test_a_pod_that_cannot_be_scheduled_says_why() -> None:
    waiting = pod()
    waiting["status"]["conditions"] = [
        {
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient memory.",
        }
    ]  # fmt: skip

    found = progress_of(job(), [waiting])

    assert (found.stage, found.is_hopeless) == (Stage.PENDING, False)
    assert "0/1 nodes are available: 1 Insufficient memory" in found.why


@pytest.mark.parametrize(
    ("reason", "is_hopeless"),
    [("ErrImagePull", False), ("ImagePullBackOff", False), ("InvalidImageName", True)],
)
def test_an_image_that_cannot_be_pulled_is_told(reason: str, is_hopeless: bool) -> None:
    waiting = {"reason": reason, "message": "401 Unauthorized"}

    found = progress_of(job(), [pod(waiting=waiting)])

    assert (found.stage, found.is_hopeless) == (Stage.PENDING, is_hopeless)
    assert found.why == f"container kaniko: {reason}: 401 Unauthorized"
    assert found.logging == ()


def test_containers_are_heard_in_the_order_of_their_work() -> None:
    cloning = progress_of(job(), [pod(init={"running": {}}, waiting={})])
    building = progress_of(
        job(), [pod("Running", init={"terminated": {"exitCode": 0}}, running={})]
    )

    assert (cloning.stage, cloning.logging) == (Stage.RUNNING, ("clone",))
    assert (building.stage, building.logging) == (Stage.RUNNING, ("clone", "kaniko"))


def test_what_was_pushed_is_told_by_its_digest() -> None:
    done = progress_of(job(), [pod("Succeeded", terminated={"exitCode": 0, "message": DIGEST})])

    assert (done.stage, done.digest, done.why) == (Stage.SUCCEEDED, DIGEST, "")


@pytest.mark.parametrize("message", ["", "sha256:short", "all is well", f"{DIGEST}\n{DIGEST}"])
def test_what_is_no_digest_is_not_taken_for_one(message: str) -> None:
    done = progress_of(job(), [pod("Succeeded", terminated={"exitCode": 0, "message": message})])

    assert (done.stage, done.digest) == (Stage.SUCCEEDED, "")


def test_a_build_that_fails_tells_how_it_ended() -> None:
    ended = {"exitCode": 137, "reason": "OOMKilled"}

    found = progress_of(job("Failed", "BackoffLimitExceeded"), [pod("Failed", terminated=ended)])

    assert (found.stage, found.logging) == (Stage.FAILED, ("kaniko",))
    assert found.why == "container kaniko: ended (exit code 137, OOMKilled)"


def test_a_pod_that_was_evicted_is_a_failure() -> None:
    evicted = pod("Failed")
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on memory"}

    assert progress_of(job(), [evicted]).why == "Evicted: The node was low on memory"


def test_a_job_whose_time_is_over_tells_that_and_has_no_pod_any_more() -> None:
    over = job("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")

    found = progress_of(over, [])

    assert found.stage is Stage.FAILED
    assert found.why == "DeadlineExceeded: Job was active longer than specified deadline"


def test_a_job_that_is_gone_is_a_failure() -> None:
    assert progress_of(None, []) == Progress(Stage.FAILED, "its Job was deleted")


def test_a_job_that_is_complete_is_so_without_its_pod() -> None:
    assert progress_of(job("Complete"), []).stage is Stage.SUCCEEDED


def test_the_newest_pod_counts() -> None:
    pods = [pod("Running", name="b", created="2", running={}), pod("Failed", name="a")]

    assert progress_of(job(), pods).pod == "b"

import hashlib

import pytest

from reconciler.core.proposal import BranchTip
from reconciler.core.proposing import Step, Wanted, is_ours, next_step
from reconciler.core.revision import Revision

BASE = Revision("main", "b" * 40)
KEY = ("a.yaml", "web:deployment/nginx", "nginx")
TRAILERS = (
    "Update nginx to v4\n\n"
    "Reconcile-Image: a.yaml web:deployment/nginx nginx r/nginx:v3 r/nginx:v4\n"
    "Reconcile-By: default@1f3a9c02\n"
)
NEW = hashlib.sha1(b"blob 4\0new\n", usedforsecurity=False).hexdigest()


def tip(
    *,
    parents: tuple[str, ...] = (BASE.commit,),
    is_by_us: bool = True,
    is_merged: bool = False,
    message: str = TRAILERS,
    changed: dict[str, str] | None = None,
) -> BranchTip:
    return BranchTip(
        "c" * 40,
        parents,
        is_by_us=is_by_us,
        is_merged=is_merged,
        message=message,
        changed={"a.yaml": NEW} if changed is None else changed,
    )


def wanted(
    contents: dict[str, bytes] | None = None, undecided: tuple[tuple[str, str, str], ...] = ()
) -> Wanted:
    given = {"a.yaml": b"new\n"} if contents is None else contents
    return Wanted(BASE, given, "default@1f3a9c02", undecided)


@pytest.mark.parametrize(
    ("found", "want", "step"),
    [
        pytest.param(None, wanted(), Step.MOVE, id="first"),
        pytest.param(None, wanted({}), Step.NOTHING, id="nothing-due"),
        pytest.param(tip(), wanted(), Step.KEEP, id="same"),
        pytest.param(tip(parents=("d" * 40,)), wanted(), Step.MOVE, id="base-moved"),
        pytest.param(tip(changed={"a.yaml": "0"}), wanted(), Step.MOVE, id="other-content"),
        pytest.param(tip(changed={"a.yaml": NEW, "b": "1"}), wanted(), Step.MOVE, id="more-files"),
        pytest.param(tip(), wanted({}), Step.REMOVE, id="moot"),
        pytest.param(tip(is_merged=True, changed={}), wanted({}), Step.REMOVE, id="merged"),
        pytest.param(tip(is_merged=True, changed={}), wanted(), Step.MOVE, id="merged-and-more"),
        pytest.param(tip(), wanted({}, (KEY,)), Step.WAIT, id="not-known"),
        pytest.param(tip(changed={}), wanted({"b.yaml": b""}, (KEY,)), Step.WAIT, id="half-known"),
        pytest.param(
            tip(), wanted({}, (("b.yaml", "x", "y"),)), Step.REMOVE, id="another-not-known"
        ),
        pytest.param(
            tip(is_merged=True), wanted({}, (KEY,)), Step.REMOVE, id="not-known-but-merged"
        ),
        pytest.param(tip(is_by_us=False), wanted(), Step.KEEP, id="theirs-with-ours"),
        pytest.param(
            tip(is_by_us=False, changed={}), wanted(), Step.BLOCKED, id="theirs-without-ours"
        ),
        pytest.param(tip(is_by_us=False), wanted({}), Step.NOTHING, id="theirs-and-nothing-due"),
        pytest.param(
            tip(is_by_us=False, is_merged=True, changed={}), wanted(), Step.MOVE, id="theirs-merged"
        ),
        pytest.param(
            tip(message="Update\n", changed={}), wanted(), Step.BLOCKED, id="without-trailers"
        ),
    ],
)
def test_what_is_done_with_the_branch(found: BranchTip | None, want: Wanted, step: Step) -> None:
    assert next_step(found, want) is step


@pytest.mark.parametrize(
    ("signature", "is_same"),
    [
        ("default@1f3a9c02", True),
        ("default@-", True),
        ("default@00000000", False),
        ("other@1f3a9c02", False),
    ],
)
def test_a_commit_is_ours_by_source_and_cluster(signature: str, *, is_same: bool) -> None:
    assert is_ours(tip(), signature) is is_same


def test_a_commit_without_a_cluster_is_any_cluster_s() -> None:
    assert is_ours(tip(message="Reconcile-By: default@-\n"), "default@1f3a9c02")


def test_a_commit_that_does_not_say_whose_it_is_is_not_ours() -> None:
    assert not is_ours(tip(message=""), "default@1f3a9c02")
    assert not is_ours(tip(message="Reconcile-By: person\n"), "default@1f3a9c02")


def test_contents_have_the_ids_of_their_kind_of_repository() -> None:
    sha256 = Wanted(Revision("main", "b" * 64), {"a": b"new\n"}, "default@-")

    assert sha256.blobs == {"a": hashlib.sha256(b"blob 4\0new\n").hexdigest()}

"""Golden directories: what a plan makes of a manifest, compared byte for byte."""

import hashlib
from pathlib import Path

import pytest

from reconciler.core.decision import decide
from reconciler.core.images.knowledge import Knowledge
from reconciler.core.manifests.images import inspect
from reconciler.core.plan import make_plan, repositories

CASES = sorted((Path(__file__).parents[2] / "data/rewrite").iterdir())
LISTED = ("v1", "v3", "v4", "2.1.0", "2.2.0", "1.9.0", "latest")


def digest_of(tag: str) -> str:
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"


def planned(content: bytes) -> bytes:
    """Return what a file becomes when the registry lists the tags above, with their digests."""
    text = content.decode()
    report = inspect("app.yaml", text, default_namespace="default")
    repos = repositories([report])
    known = Knowledge(digests={tag: digest_of(tag) for tag in LISTED})
    decided = decide([report], dict.fromkeys(repos, LISTED), dict.fromkeys(repos, known))
    plan = make_plan([report], {"app.yaml": text}, decided)
    return plan.contents.get("app.yaml", text).encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_tag_changes_and_the_second_time_nothing(case: Path) -> None:
    (original,) = (case / "original").iterdir()
    expected = (case / "expected" / original.name).read_bytes()

    assert planned(original.read_bytes()) == expected
    assert planned(expected) == expected


def test_some_cases_change_and_some_are_left_alone() -> None:
    names = {case.name for case in CASES}
    alone = {
        case.name
        for case in CASES
        if (files := [*case.glob("*/*")]) and files[0].read_bytes() == files[1].read_bytes()
    }

    assert alone == {name for name in names if name.startswith("left-alone-")}
    assert len(names) > 35

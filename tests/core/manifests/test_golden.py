"""Golden directories: what a plan makes of a manifest, compared byte for byte."""

import hashlib
from pathlib import Path

import pytest

from reconciler.core.decision import decide
from reconciler.core.images.knowledge import Knowledge
from reconciler.core.manifests.images import inspect
from reconciler.core.manifests.linking import link
from reconciler.core.plan import make_plan, repositories

CASES = sorted((Path(__file__).parents[2] / "data/rewrite").iterdir())
LISTED = ("v1", "v3", "v4", "2.1.0", "2.2.0", "1.9.0", "1.20", "latest")


def digest_of(tag: str) -> str:
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def planned(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what files become when the registry lists the tags above, with their digests."""
    texts = {path: content.decode() for path, content in files.items()}
    reports = link(
        [inspect(path, text, default_namespace="default") for path, text in texts.items()]
    )
    repos = repositories(reports)
    known = Knowledge(digests={tag: digest_of(tag) for tag in LISTED})
    decided = decide(reports, dict.fromkeys(repos, LISTED), dict.fromkeys(repos, known))
    plan = make_plan(reports, texts, decided)
    return {path: plan.contents.get(path, text).encode() for path, text in texts.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_tag_changes_and_the_second_time_nothing(case: Path) -> None:
    expected = files_in(case / "expected")

    assert planned(files_in(case / "original")) == expected
    assert planned(expected) == expected


def test_some_cases_change_and_some_are_left_alone() -> None:
    names = {case.name for case in CASES}
    alone = {
        case.name for case in CASES if files_in(case / "original") == files_in(case / "expected")
    }

    assert alone == {name for name in names if name.startswith("left-alone-")}
    assert len(names) > 35

"""Golden directories: what a wish makes of a manifest, compared byte for byte."""

from pathlib import Path

import pytest

from reconciler.core.manifests.finding import edit_annotations, find_one
from reconciler.core.manifests.wishes import (
    Lock,
    SetPolicies,
    Wish,
    Written,
    automate,
    deautomate,
    unlock,
)
from reconciler.core.objects.identity import ObjectKey

CASES = sorted((Path(__file__).parents[2] / "data/annotate").iterdir())
KEY = ObjectKey("apps", "Deployment", "default", "web")
WISHES: dict[str, Wish] = {
    "automate": automate,
    "deautomate": deautomate,
    "lock": Lock("jane", 'it\'s "wait": #1'),
    "unlock": unlock,
    "policy": SetPolicies({"web": "semver:~1.4 || 2", "*": "default"}),
}
# What stands under an old prefix before is gone with the rest.
THERE_AND_BACK = [
    case
    for case in CASES
    if case.name.startswith("automate-") and case.name != "automate-old-prefix"
]


def edited(content: bytes, wish: Wish) -> bytes:
    text = content.decode()
    found = find_one("app.yaml", text, KEY, default_namespace="default")
    edits = wish(Written(found.workload, text))
    return edit_annotations("app.yaml", text, KEY, edits, default_namespace="default").encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_lines_of_the_wish_change_and_the_second_time_nothing(case: Path) -> None:
    wish = WISHES[case.name.partition("-")[0]]
    expected = (case / "expected/app.yaml").read_bytes()

    assert edited((case / "original/app.yaml").read_bytes(), wish) == expected
    assert edited(expected, wish) == expected


@pytest.mark.parametrize("case", THERE_AND_BACK, ids=lambda case: case.name)
def test_what_was_switched_on_is_switched_off_to_the_same_bytes(case: Path) -> None:
    original = (case / "original/app.yaml").read_bytes()

    assert edited((case / "expected/app.yaml").read_bytes(), deautomate) == original

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.version import Version, parse_version
from reconciler.errors import ConstraintSyntaxError

ORACLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data/constraints/masterminds.json").read_text()
)


DELIBERATE = {
    "1.x.1x": "a component behind an open one must be a number or open, too",
    "x.x.1*": "as above",
    "1.x.|": "as above: Masterminds lets a bar pass for a component",
    "^4||1 - 2": "a bar belongs to no number: Masterminds sees the range '4||1 - 2' and refuses it",
    "1||2 - 3": "as above: it reads '>=1 || 2 <=3'",
}
"""Where the design's grammar wins over Masterminds' regular expressions."""

COMPARED = [row for row in ORACLE["rows"] if row["constraint"] not in DELIBERATE]


def version(text: str) -> Version:
    parsed = parse_version(text)
    assert parsed is not None
    return parsed


def test_a_text_is_a_version_exactly_when_masterminds_says_so() -> None:
    assert [text for text in ORACLE["versions"] if parse_version(text)] == ORACLE["valid"]


def test_a_text_is_a_constraint_exactly_when_masterminds_says_so() -> None:
    def is_valid(text: str) -> bool:
        try:
            Constraint.parse(text)
        except ConstraintSyntaxError:
            return False
        return True

    differing = [
        row["constraint"] for row in COMPARED if is_valid(row["constraint"]) is not row["valid"]
    ]
    assert differing == []


@pytest.mark.parametrize(
    "row",
    [row for row in COMPARED if row["valid"]],
    ids=lambda row: repr(row["constraint"][:40]),
)
def test_a_constraint_admits_what_masterminds_admits(row: dict[str, Any]) -> None:
    constraint = Constraint.parse(row["constraint"])
    printed = Constraint.parse(str(constraint))

    admitted = [text for text in ORACLE["valid"] if constraint.admits(version(text))]
    assert admitted == row["admits"]
    assert [text for text in ORACLE["valid"] if printed.admits(version(text))] == admitted
    assert [t for t in ORACLE["valid"] if not constraint.refusal(version(t))] == admitted


def test_a_component_behind_an_open_one_is_no_mixture() -> None:
    for text in ("1.x.1x", "x.x.1*", "1.x.|"):
        with pytest.raises(ConstraintSyntaxError):
            Constraint.parse(text)


def test_alternatives_are_told_apart_before_ranges() -> None:
    for text, same in (("^4||1 - 2", "^4 || >=1 <=2"), ("1||2 - 3", "=1 || >=2 <=3")):
        assert str(Constraint.parse(text)) == same


def test_a_range_may_stand_beside_another_comparator() -> None:
    for text in ("^1 1.2 - 1.4", "^1, 1.2 - 1.4", "^1,1.2 - 1.4"):
        assert str(Constraint.parse(text)) == "^1 >=1.2 <=1.4"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \t", "is empty", id="blank"),
        pytest.param("^1 ||", "an alternative is empty", id="empty-alternative"),
        pytest.param("^1, <<2", "cannot read '<<2'", id="operator"),
        pytest.param(">=1<2", "cannot read '<2'", id="no-separator"),
        pytest.param("^1,", "ends in a comma", id="comma"),
        pytest.param("1.2.3-01", "'1.2.3-01' is no version", id="zero"),
        pytest.param("1 - 2*", "cannot read '- 2*'", id="half-a-range"),
        pytest.param(">1 - 2", "cannot read '- 2'", id="range-with-operator"),
        pytest.param("<=99999999999999999999", "'99999999999999999999' is no version", id="large"),
        pytest.param("1" * 513, "is longer than 512 characters", id="long"),
        pytest.param("||".join("1" * 33), "has more than 32 alternatives", id="many"),
    ],
)
def test_what_is_no_constraint_is_refused_with_the_offending_part(text: str, reason: str) -> None:
    with pytest.raises(ConstraintSyntaxError) as raised:
        Constraint.parse(text)

    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("constraint", "text", "reason"),
    [
        pytest.param("^1.2", "2.0.0", "is not ^1.2, which ends before 2.0.0", id="comparator"),
        pytest.param(
            ">=1", "1.2.0-rc.1", "is a pre-release, and the constraint names none", id="pre"
        ),
        pytest.param(
            "^1 || ^2", "3.0.0",
            "is not ^1, which ends before 2.0.0, and is not ^2, which ends before 3.0.0", id="both",
        ),
        pytest.param("^1.2.3-rc.1", "1.2.3-beta", "is not ^1.2.3-rc.1, which begins at 1.2.3-rc.1",
                     id="below"),
        pytest.param("~1.2", "1.1.9", "is not ~1.2, which begins at 1.2.0", id="below-a-series"),
        pytest.param("1.2.x", "1.3.0", "is not =1.2.x, which ends before 1.3.0", id="above"),
        pytest.param(">1", "1.9.0", "is not >1, which begins at 2.0.0", id="partial-greater"),
        pytest.param("<=1.2", "1.3.0", "is not <=1.2, which ends before 1.3.0", id="partial-less"),
        pytest.param(">=1.2 <1.4", "1.4.0", "is not <1.4", id="less"),
        pytest.param(">=1.2 <1.4", "1.1.0", "is not >=1.2", id="greater"),
        pytest.param("=1.2.3", "1.2.4", "is not =1.2.3", id="exact"),
        pytest.param(">1.2.3", "1.2.3", "is not >1.2.3", id="exact-greater"),
        pytest.param("^1 !=1.4", "1.4.2", "is excluded by !=1.4", id="excluded"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_comparator(constraint: str, text: str, reason: str) -> None:
    assert Constraint.parse(constraint).refusal(version(text)) == reason

from dataclasses import replace

import pytest

from reconciler.core.manifests.comparison import Fingerprint, PlannedScalar, differs_as_planned
from reconciler.core.manifests.document import pieces_of
from reconciler.core.manifests.parser import Part, cut


def fingerprint_of(text: str) -> Fingerprint | None:
    pieces = list(pieces_of(text, path="a.yaml", is_signed=True))
    return pieces[0].fingerprint if len(pieces) == 1 else None


def is_proved(before: str, after: str, *planned: PlannedScalar) -> bool:
    """Compare with the original parsed anew, and with its fingerprint: that must be the same."""
    parts = Part(before, 0, 1), Part(after, 0, 1)
    found, again = (
        differs_as_planned(*parts, planned, known=known, path="a.yaml")
        for known in (None, fingerprint_of(before))
    )
    assert found is again
    return found


def planned(start: int, before: str, after: str, *, style: str = "") -> PlannedScalar:
    return PlannedScalar(
        start, start + len(before), len(after) - len(before), (before, style), (after, style)
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("a: &x v3\n", id="style"),
        pytest.param("a: &y 'v3'\n", id="anchor"),
        pytest.param("a: !!str &x 'v3'\n", id="tag"),
        pytest.param("a: &x 'v4'\n", id="value"),
        pytest.param("{a: &x 'v3'}", id="flow"),
        pytest.param("--- \na: &x 'v3'\n", id="document start"),
        pytest.param("a: &x 'v3'\n...\n", id="document end"),
        pytest.param("a: &x 'v3'\nb: 1\n", id="more"),
        pytest.param("a: *x\n", id="alias"),
        pytest.param("a: [&x 'v3']\n", id="list"),
        pytest.param("a: &x {'v3': }\n", id="mapping"),
        pytest.param("a:   &x 'v3'\n", id="place"),
        pytest.param("a: &x 'v3'\n--- 1\n", id="document more"),
        pytest.param("a: [\n", id="unreadable"),
        pytest.param("", id="nothing"),
    ],
)
def test_all_that_an_edit_must_not_change_is_seen(other: str) -> None:
    assert is_proved("a: &x 'v3'\n", "a: &x 'v3'\n")
    assert not is_proved("a: &x 'v3'\n", other)
    assert not is_proved(other, "a: &x 'v3'\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("a: &x 1\nb: &y 1\nc: *x\n", "a: &x 1\nb: &y 1\nc: *y\n", id="alias"),
        pytest.param("a: !x {}\n", "a: !y {}\n", id="tag of a mapping"),
        pytest.param("a: &x []\n", "a: &y []\n", id="anchor of a list"),
        pytest.param("a: {}\n", "a: []\n", id="kind"),
        pytest.param("a: |\n  b\n", "a: >\n  b\n", id="block"),
        pytest.param("a: 'b'\n", 'a: "b"\n', id="quotes"),
        pytest.param("a: |\n  b\n", "a: |-\n  b\n", id="end of a block"),
        pytest.param("a: b\nc: 1\n", "a: b\n \nc: 1\n", id="blank line between"),
        pytest.param("- - 1\n- 2\n", "- - 1\n  - 2\n", id="depth"),
        pytest.param("a: 4\n", "a: '4'\n", id="number"),
    ],
)
def test_what_looks_or_means_a_little_different_is_seen(before: str, after: str) -> None:
    assert is_proved(before, before)
    assert not is_proved(before, after)
    assert not is_proved(after, before)


def test_comments_behind_do_not_matter() -> None:
    assert is_proved("a: &x 'v3'\n", "a: &x 'v3'  # c")


def test_a_planned_scalar_is_looked_for_at_its_place_alone() -> None:
    wish = planned(3, "v3", "v10")

    assert is_proved("a: v3\nb: v3\n", "a: v10\nb: v3\n", wish)
    assert not is_proved("a: v3\nb: v3\n", "a: v3\nb: v10\n", wish)
    assert not is_proved("a: v3\nb: v3\n", "a: v10\nb: v10\n", wish)
    assert not is_proved("a: v3\nb: v3\n", "a: v3\nb: v3\n", wish)
    assert not is_proved("a: v3\n", "a: v3\n", planned(99, "v3", "v10"))


def test_what_stood_there_before_must_have_been_what_the_plan_says() -> None:
    assert not is_proved("a: v2\n", "a: v4\n", planned(3, "v3", "v4"))
    assert not is_proved("a: 'v3'\n", "a: v4\n", planned(3, "v3", "v4"))


def test_several_scalars_of_one_piece_grow_and_shrink() -> None:
    before, after = "a: v3\nb: v300\nc: v3\nd: v3\n", "a: v4000\nb: v4\nc: v3\nd: v5\n"
    wishes = [planned(23, "v3", "v5"), planned(3, "v3", "v4000"), planned(9, "v300", "v4")]

    assert is_proved(before, after, *wishes)
    assert not is_proved(before, after, *wishes[:2])
    assert not is_proved(before, after.replace("c: v3", "c: v5"), *wishes)


def test_the_style_is_the_planned_one() -> None:
    quoted = replace(planned(3, "v3", "4"), growth=1, after=("4", '"'))

    assert is_proved("a: v3\nb: 1", 'a: "4"\nb: 1', quoted)
    assert not is_proved("a: v3\nb: 1", "a: 4\nb: 1", quoted)
    single = replace(planned(3, "v3", "v4", style="'"), end=7, growth=0)
    assert is_proved("a: 'v3'\nb: 1", "a: 'v4'\nb: 1", single)
    assert not is_proved("a: 'v3'\nb: 1", 'a: "v4"\nb: 1', single)


def test_an_anchor_and_a_tag_of_a_planned_scalar_stay() -> None:
    alone = replace(planned(3, "v3", "v4"), end=8)
    assert is_proved("a: &x v3\nb: *x\n", "a: &x v4\nb: *x\n", alone)
    assert not is_proved("a: &x v3\nb: *x\n", "a: &y v4\nb: *x\n", alone)

    wish = replace(planned(3, "v3", "v4"), end=14)

    assert is_proved("a: &x !!str v3\nb: *x\n", "a: &x !!str v4\nb: *x\n", wish)
    assert not is_proved("a: &x !!str v3\nb: *x\n", "a: &x !!int v4\nb: *x\n", wish)
    assert not is_proved("a: &x !!str v3\nb: *x\n", "a: &y !!str v4\nb: *x\n", wish)


def test_places_count_from_the_start_of_a_piece() -> None:
    before, after = Part("---\na: v3\n", 100, 9), Part("---\na: v4\n", 101, 9)

    assert differs_as_planned(before, after, [planned(7, "v3", "v4")], known=None, path="a.yaml")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_line_ends_are_counted(newline: str) -> None:
    before = "\ufeff# c\na: v3\nb: 🚀\nc: v3\n".replace("\n", newline)
    start = before.index("v3")

    after = before.replace("v3", "v10", 1)

    assert is_proved(before, after, planned(start, "v3", "v10"))
    assert not is_proved(before, before.replace("v3", "v10"), planned(start, "v3", "v10"))


def test_what_the_pure_parser_alone_reads_is_compared_too() -> None:
    before, after = "{a: x:1, b: 'x:1'}", "{a: x:2, b: 'x:1'}"

    assert is_proved(before, after, planned(4, "x:1", "x:2"))
    assert not is_proved("{a: 1}", after, planned(4, "x:1", "x:2"))
    assert not is_proved(before, "{a: 1}", planned(4, "x:1", "x:2"))


def test_a_large_piece_is_compared_to_its_end() -> None:
    lines = "".join(f"k{number}: [v3, {{a: v3}}]\n" for number in range(4000))
    wish = planned(5, "v3", "v4")
    before = f"{lines}end: v3\n"
    after = before.replace("v3", "v4", 1)

    assert is_proved(before, after, wish)
    assert not is_proved(before, after.replace("end: v3", "end: v4"), wish)
    assert not is_proved(before, f"{after}more: 1\n", wish)


def test_a_fingerprint_of_another_text_is_not_believed() -> None:
    before, after = Part("a: v3\nb: v2\n", 0, 1), Part("a: v4\nb: v1\n", 0, 1)
    other = fingerprint_of("a: v3\nb: v1\n")
    assert other is not None

    wishes = [planned(3, "v3", "v4")]

    assert not differs_as_planned(before, after, wishes, known=other, path="a.yaml")
    right = Part("a: v4\nb: v2\n", 0, 1)
    assert differs_as_planned(before, right, wishes, known=other, path="a.yaml")


def test_the_same_words_at_another_place_of_the_file_have_another_fingerprint() -> None:
    first, second = cut("---\na: v3\n---\na: v3\n")
    known = fingerprint_of(first.text)

    assert known is not None
    assert known.is_of(first)
    assert not known.is_of(second)


def test_a_fingerprint_is_the_same_whoever_takes_it() -> None:
    text = "a: {b: [*x, 'c']}\n".replace("*x", "&x 1, *x")

    assert fingerprint_of(text) == fingerprint_of("".join(list(text)))

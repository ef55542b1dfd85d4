import pytest

from reconciler.core.manifests.comparison import Wish, met_wishes
from reconciler.core.manifests.parser import Part


def met(before: str, after: str, wishes: dict[int, Wish] | None = None) -> frozenset[int] | None:
    return met_wishes(Part(before, 0, 1), Part(after, 0, 1), wishes or {}, path="a.yaml")


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
        pytest.param("a: [\n", id="unreadable"),
        pytest.param("", id="nothing"),
    ],
)
def test_all_that_an_edit_must_not_change_is_seen(other: str) -> None:
    assert met("a: &x 'v3'\n", other) is None
    assert met(other, "a: &x 'v3'\n") is None


def test_places_and_comments_do_not_matter() -> None:
    assert met("a: &x 'v3'\n", "a:   &x  'v3'  # c") == frozenset()


def test_aliases_of_other_anchors_are_seen() -> None:
    before = "a: &x 1\nb: &y 1\nc: *x\n"

    assert met(before, before) == frozenset()
    assert met(before, before.replace("*x", "*y")) is None


def test_wishes_are_met_at_their_place_alone() -> None:
    wish = Wish("v4")

    assert met("a: v3\nb: v3\n", "a: v4\nb: v3\n", {3: wish}) == frozenset({3})
    assert met("a: v3\nb: v3\n", "a: v3\nb: v4\n", {3: wish}) is None
    assert met("a: v3\nb: v3\n", "a: v4\nb: v4\n", {3: wish}) is None
    assert met("a: v3\n", "a: v3\n", {99: wish}) == frozenset()


def test_the_style_of_a_wish_holds_where_the_scalar_is_plain() -> None:
    wish = Wish("4", plain_style='"')

    assert met("a: v3\n", 'a: "4"\n', {3: wish}) == frozenset({3})
    assert met("a: v3\n", "a: 4\n", {3: wish}) is None
    assert met("a: 'v3'\n", "a: '4'\n", {3: wish}) == frozenset({3})
    assert met("a: 'v3'\n", 'a: "4"\n', {3: wish}) is None


def test_offsets_count_from_the_start_of_the_file() -> None:
    before, after = Part("---\na: v3\n", 100, 9), Part("---\na: v4\n", 101, 9)

    assert met_wishes(before, after, {107: Wish("v4")}, path="a.yaml") == frozenset({107})


def test_what_the_pure_parser_alone_reads_is_compared_too() -> None:
    before, after = "{a: x:1, b: 'x:1'}", "{a: x:2, b: 'x:1'}"

    assert met(before, after, {4: Wish("x:2")}) == frozenset({4})
    assert met("{a: 1}", after, {4: Wish("x:2")}) is None
    assert met(before, "{a: 1}", {4: Wish("x:2")}) is None

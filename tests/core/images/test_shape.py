import pytest

from reconciler.core.images.shape import ShapedTag, take_apart

KINDS = ("alpha", "beta", "a", "b", "rc", "pre", "preview", "dev", "snapshot", "m")


def apart(tag: str) -> ShapedTag:
    taken = take_apart(tag)
    assert taken is not None
    return taken


@pytest.mark.parametrize(
    ("tag", "shape"),
    [
        pytest.param("v3", "v#", id="prefix"),
        pytest.param("3", "#", id="one"),
        pytest.param("1.25", "#.#", id="two"),
        pytest.param("1.2.3", "#.#.#", id="three"),
        pytest.param("1.2.3.4.5", "#.#.#.#.#", id="five"),
        pytest.param("999", "#", id="three-digits"),
        pytest.param("1000", "####", id="four-digits"),
        pytest.param("2024.01.05", "####.#.#", id="year"),
        pytest.param("20240105", "####", id="date"),
        pytest.param("1.25-alpine", "#.#-alpine", id="suffix"),
        pytest.param("1.25-alpine3.18", "#.#-alpine3.18", id="suffix-with-version"),
        pytest.param("1.25_alpine", "#.#_alpine", id="underscore"),
        pytest.param("3.13.0rc1", "#.#.#rc1", id="glued-suffix"),
        pytest.param("1.2.3-45", "#.#.#-#", id="build-number"),
        pytest.param("1.2.3-N", "#.#.#-N", id="a-letter-is-no-build-number"),
        pytest.param("1.2.3-45-alpine", "#.#.#-45-alpine", id="build-number-in-a-suffix"),
        pytest.param("1.2.3-rc.1", "#.#.#", id="pre-release"),
        pytest.param("1.2.3-rc.1-alpine", "#.#.#-rc.1-alpine", id="pre-release-in-a-suffix"),
        pytest.param("1.2.3-dev", "#.#.#-dev", id="variant-named-like-a-pre-release"),
        pytest.param("20240105b", "####b", id="date-and-letter"),
    ],
)
def test_a_shape_is_what_a_tag_has_besides_its_numbers(tag: str, shape: str) -> None:
    assert str(apart(tag).shape) == shape


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param("", id="empty"),
        pytest.param("latest", id="word"),
        pytest.param("V3", id="upper-case-prefix"),
        pytest.param("release-1.2", id="number-behind-a-word"),
        pytest.param("7e10abc", id="commit"),
        pytest.param("0" * 39 + "a", id="whole-commit-with-one-letter-is-a-large-number"),
        pytest.param("1e" * 20, id="whole-commit"),
        pytest.param("1" * 19, id="large-number"),
        pytest.param("1.2+3", id="plus-is-in-no-tag"),
        pytest.param("\u0661", id="other-digits"),
        pytest.param("1" + "a" * 128, id="long"),
    ],
)
def test_what_is_no_version_has_no_shape(tag: str) -> None:
    assert take_apart(tag) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pre_release_is_known_with_any_separator(kind: str) -> None:
    for tag in (f"1.2-{kind}3", f"1.2-{kind}.3", f"1.2-{kind}-3", f"1.2-{kind.upper()}3"):
        assert apart(tag).order == ((1, 2), False, kind, 3, -1)
        assert not apart(tag).is_release


def test_numbers_of_a_shape_are_ordered_by_value() -> None:
    for lower, higher in (
        ("1.9-alpine", "1.10-alpine"),
        ("1.2.3-rc9", "1.2.3-rc10"),
        ("1.2.3-rc10", "1.2.3"),
        ("1.2.3", "1.2.4-rc1"),
        ("1.2.3-9", "1.2.3-45"),
        ("1.2.3-45", "1.2.4-1"),
        ("2024.01.05", "2024.1.6"),
    ):
        assert apart(lower).shape == apart(higher).shape
        assert apart(lower).order < apart(higher).order


def test_zeros_in_front_make_no_difference() -> None:
    assert apart("2024.01.05").order == apart("2024.1.5").order

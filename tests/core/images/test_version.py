import itertools

import pytest

from reconciler.core.images.version import Version, parse_version


def version(text: str) -> Version:
    parsed = parse_version(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("text", "core", "pre_release", "build"),
    [
        pytest.param("1", (1, 0, 0), "", "", id="one"),
        pytest.param("v1.2", (1, 2, 0), "", "", id="two"),
        pytest.param("1.2.3", (1, 2, 3), "", "", id="three"),
        pytest.param("2024.01.05", (2024, 1, 5), "", "", id="zeros"),
        pytest.param("1.2.3-rc.1", (1, 2, 3), "rc.1", "", id="pre-release"),
        pytest.param("1.2.3+a.01", (1, 2, 3), "", "a.01", id="build"),
        pytest.param("1.2-alpine-3", (1, 2, 0), "alpine-3", "", id="suffix"),
        pytest.param("v1.2.3-0.x+b", (1, 2, 3), "0.x", "b", id="all"),
    ],
)
def test_a_version_is_read_as_tags_write_it(
    text: str, core: tuple[int, int, int], pre_release: str, build: str
) -> None:
    parsed = version(text)

    assert parsed.text == text
    assert parsed.core == core
    assert (parsed.pre_release, parsed.build) == (pre_release, build)
    assert parsed.is_pre_release is bool(pre_release)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("latest", id="word"),
        pytest.param("v", id="only-prefix"),
        pytest.param("V1", id="upper-case-prefix"),
        pytest.param("1.2.3.4", id="four"),
        pytest.param("1.", id="dot-at-end"),
        pytest.param("1..2", id="two-dots"),
        pytest.param("1.2.3-", id="empty-pre-release"),
        pytest.param("1.2.3-01", id="zero-in-pre-release"),
        pytest.param("1.2.3-a..b", id="empty-identifier"),
        pytest.param("1.2.3+", id="empty-build"),
        pytest.param("1.2.3\n", id="newline"),
        pytest.param(" 1.2.3", id="blank"),
        pytest.param("\u0661.\u0662", id="other-digits"),
        pytest.param("1" * 21, id="long-number"),
        pytest.param("1.2.3-" + "a" * 300, id="long"),
    ],
)
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse_version(text) is None


def test_the_order_is_that_of_semver() -> None:
    ordered = [
        "0.9",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.9",
        "v1.10",
        "2",
    ]

    for lower, higher in itertools.pairwise(ordered):
        assert version(lower).precedence < version(higher).precedence


def test_neither_build_nor_missing_components_nor_the_prefix_have_a_part_in_the_order() -> None:
    texts = ("1", "v1", "1.0", "1.0.0", "1.0.0+a", "01.0", "1.0.0+b")

    assert len({version(text).precedence for text in texts}) == 1


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("v1.2-rc.1", "1.2.0-rc.1", id="pre-release"),
        pytest.param("2024.01.05", "2024.1.5", id="zeros"),
        pytest.param("3+x.1", "3.0.0+x.1", id="build"),
    ],
)
def test_a_versions_canonical_form_is_semvers_own(text: str, canonical: str) -> None:
    assert version(text).canonical == canonical
    assert version(canonical).precedence == version(text).precedence

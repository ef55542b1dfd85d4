from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.core.images.knowledge import Knowledge
from reconciler.core.images.platform import Platform
from reconciler.core.images.tag_list import TagList, parse_tag_list, print_tag_list
from reconciler.errors import NotFoundError, SettingsError
from tests.core.images.choosing import AMD, ARM, DOWN, GONE

NOON = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)


def test_a_list_has_one_tag_a_line() -> None:
    assert parse_tag_list("\ufeffv1\r\n\n  v2  \n# v3\n#v4\nv1\n", name="tags") == TagList(
        ("v1", "v2", "v1")
    )
    assert parse_tag_list("", name="tags") == TagList(())


def test_what_is_known_of_an_image_stands_beside_its_tag_in_any_order() -> None:
    listed = parse_tag_list(
        "a 2024-06-03T12:00:00Z linux/amd64,linux/arm64\n"
        "b linux/arm/v7 2024-06-03T14:00:00.123456789+02:00\n"
        "c -\n"
        "d\t-\tlinux/amd64\n"
        "e missing\n"
        "g - unlisted\n",
        name="tags",
    )

    created, platforms = listed.knowledge.created, listed.knowledge.platforms
    assert listed.tags == ("a", "b", "c", "d", "e")
    assert created["a"] == NOON
    assert created["b"] == NOON + timedelta(microseconds=123456)
    assert (created["c"], created["d"], created["g"]) == (None, None, None)
    assert isinstance(created["e"], NotFoundError)
    assert platforms["a"] == frozenset({AMD, ARM})
    assert platforms["b"] == frozenset({Platform("linux", "arm", "v7")})
    assert isinstance(platforms["e"], NotFoundError)
    assert set(platforms) == {"a", "b", "d", "e"}


def test_a_list_is_printed_as_it_is_read() -> None:
    later = NOON.astimezone(timezone(timedelta(hours=2)))
    knowledge = Knowledge(
        created={"a": NOON, "b": later, "c": None, "d": GONE, "e": DOWN, "g": NOON, "h": DOWN},
        platforms={"a": frozenset({ARM, AMD}), "b": frozenset(), "e": DOWN, "f": GONE},
    )

    text = print_tag_list(["f", "e", "d", "c", "b", "a", "a", "3/4"], knowledge)

    assert text == (
        "3/4\n"
        "a 2024-06-03T12:00:00Z linux/amd64,linux/arm64\n"
        "b 2024-06-03T14:00:00+02:00 unknown/unknown\n"
        "c -\n"
        "d missing\n"
        "e\n"
        "f missing\n"
        "g 2024-06-03T12:00:00Z unlisted\n"
    )
    read = parse_tag_list(text, name="tags")
    assert print_tag_list(read.tags, read.knowledge) == text
    assert print_tag_list(["v2", "v1"]) == "v1\nv2\n"


def test_what_no_line_can_hold_is_left_out() -> None:
    assert print_tag_list(["", "#a", "a b", "a\nb", "\udc80", "\x1b[1m", "a"]) == "a\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("v1 yesterday", "tags:2: cannot read 'yesterday' beside a tag; write a time (",
                     id="word"),
        pytest.param("v1 2024-06-03", "tags:2: cannot read '2024-06-03' beside", id="no-hour"),
        pytest.param("v1 2024-06-03T12:00:00", "tags:2: cannot read '2024-", id="no-zone"),
        pytest.param("v1 2024-13-03T12:00:00Z", "tags:2: there is no time '2024-13-", id="month"),
        pytest.param("v1 linux/", "tags:2: 'linux/': is no platform; write", id="platform"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(line: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_tag_list(f"v0\n{line}\n", name="tags")

    assert str(raised.value).startswith(message)

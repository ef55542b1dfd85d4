import pytest

from reconciler.core.images.glob import MAX_GLOB, Glob
from reconciler.errors import PolicySyntaxError


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        pytest.param("*", "", True, id="nothing"),
        pytest.param("*", "v1.2", True, id="anything"),
        pytest.param("v1.*", "v1.2", True, id="end"),
        pytest.param("v1.*", "v1x2", False, id="a-dot-is-a-dot"),
        pytest.param("v1.*", "xv1.2", False, id="from-the-start"),
        pytest.param("*-alpine", "1.2-alpine", True, id="start"),
        pytest.param("*-alpine", "1.2-alpine3", False, id="to-the-end"),
        pytest.param("a*b*c", "a-b-b-c", True, id="several"),
        pytest.param("v?", "v1", True, id="one-letter"),
        pytest.param("v?", "v12", False, id="two-letters"),
        pytest.param("v?", "v", False, id="no-letter"),
        pytest.param("main", "Main", False, id="case"),
        pytest.param("main", "main\n", False, id="line-end"),
        pytest.param("ab*ba", "aba", False, id="no-overlap"),
        pytest.param("ab*ba", "abba", True, id="side-by-side"),
        pytest.param("*a*", "bab", True, id="between"),
        pytest.param("a*b*b", "ab", False, id="not-enough"),
        pytest.param("1?*-?", "12.3-a", True, id="both"),
        pytest.param("1?*-?", "1-a", False, id="both-and-not"),
    ],
)
def test_a_glob_matches_whole_texts(glob: str, text: str, matches: bool) -> None:
    assert Glob(glob).matches(text) is matches


def test_many_stars_match_without_trying_every_split() -> None:
    assert not Glob("a*" * 100 + "b").matches("a" * 128)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "is an empty glob", id="empty"),
        pytest.param("v1 *", "no tag has ' '", id="blank"),
        pytest.param("{a,b}", "no tag has '{'", id="braces"),
        pytest.param("*" * (MAX_GLOB + 1), "is longer than 256 characters", id="long"),
    ],
)
def test_what_no_tag_matches_is_refused(text: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        Glob(text)

    assert raised.value.reason.startswith(reason)

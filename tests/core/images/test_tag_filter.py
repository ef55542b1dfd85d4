import pytest

from reconciler.core.images.pattern import MAX_PATTERN, Pattern
from reconciler.core.images.tag_filter import TagFilter
from reconciler.errors import PolicySyntaxError


@pytest.mark.parametrize(
    ("pattern", "template", "tag", "text"),
    [
        pytest.param(r"^main-", "", "main-7-abc", "main-7-abc", id="no template: the whole tag"),
        pytest.param(r"-[a-f0-9]+$", "", "main-7-abc", "main-7-abc", id="not anchored"),
        pytest.param(r"^main-(?P<n>\d+)", "$n", "main-7-abc", "7", id="by name"),
        pytest.param(r"^main-(?<n>\d+)", "${n}0", "main-7-abc", "70", id="in braces"),
        pytest.param(r"^main-(\d+)", "$1", "main-7-abc", "7", id="by number"),
        pytest.param(r"^main-(\d+)", "$0", "main-7-abc", "main-7", id="the match"),
        pytest.param(r"^(\d+)-(x)?", "$1.$2", "7-", "7.", id="a group that took no part"),
        pytest.param(r"^(\d+)", "$$1", "7", "$1", id="a dollar"),
        pytest.param(r"^(\d+)", "$1", "main", None, id="no match"),
    ],
)
def test_a_filter_gives_the_text_that_is_ordered(
    pattern: str, template: str, tag: str, text: str | None
) -> None:
    assert TagFilter(Pattern(pattern), template).extract(tag) == text


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param("(", "is no regular expression of RE2: missing ): (", id="unbalanced"),
        pytest.param("(?=a)", "invalid perl operator: (?=", id="look-ahead"),
        pytest.param(r"(a)\1", r"invalid escape sequence: \1", id="back-reference"),
        pytest.param("((a{100}){100}){100}", "invalid repetition size", id="too large"),
        pytest.param("a" * (MAX_PATTERN + 1), "is longer than 1,000 characters", id="too long"),
        pytest.param("\udc80", "is no regular expression of RE2", id="no UTF-8"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        Pattern(pattern)

    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        pytest.param("$version", "the filter has no group 'version'", id="unknown name"),
        pytest.param("$2", "the filter has no group '2'", id="unknown number"),
        pytest.param("$99999", "the filter has no group '99999'", id="large number"),
        pytest.param("a $ b", "'$' names no group", id="bare dollar"),
        pytest.param("${}", "'$' names no group", id="empty braces"),
        pytest.param("x" * (MAX_PATTERN + 1), "is too long for a template", id="too long"),
    ],
)
def test_a_template_without_its_groups_is_refused(template: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        TagFilter(Pattern(r"^(\d+)"), template)

    assert reason in caught.value.message


def test_an_expression_that_others_take_exponential_time_for_is_quick() -> None:
    assert not Pattern(r"^(a+)+$").matches("a" * 127 + "b")


def test_a_filter_prints_what_was_written() -> None:
    assert str(TagFilter(Pattern(r"^(\d+)"), "$1")) == r"^(\d+) -> $1"
    assert str(TagFilter(Pattern(r"^\d"))) == r"^\d"


def test_a_text_that_is_no_utf_8_matches_nothing() -> None:
    pattern = Pattern(".*")

    assert not pattern.matches("\udc80")
    assert pattern.groups_of("1\ud800") is None
    assert TagFilter(pattern, "\ud800$0").extract("1") == "\ud8001"

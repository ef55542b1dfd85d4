import pytest

from reconciler.core.images.policy import DEFAULT_POLICY, SemverPolicy, parse_policy
from reconciler.errors import PolicySyntaxError

HELP = "write e.g. 'semver:CONSTRAINT', 'glob:PATTERN' or 'newest'"


def test_a_policy_is_read_and_printed() -> None:
    policy = parse_policy(" semver: >=1.2, <2 ")

    assert isinstance(policy, SemverPolicy)
    assert str(policy) == "semver:>=1.2 <2"
    assert parse_policy(str(policy)) == policy
    assert str(DEFAULT_POLICY) == "same shape"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        pytest.param("major", "major", id="major"),
        pytest.param(" minor ", "minor", id="blanks"),
        pytest.param("patch", "patch", id="patch"),
        pytest.param("newest", "newest", id="newest"),
        pytest.param("digest", "digest", id="digest"),
        pytest.param("glob:1.*-alpine", "glob:1.*-alpine", id="glob"),
        pytest.param("glob: v?", "glob:v?", id="glob-after-a-blank"),
        pytest.param("regexp:^v[0-9]+$", "regexp:^v[0-9]+$", id="regexp"),
        pytest.param("regex:(a|b):c", "regexp:(a|b):c", id="regex-is-regexp"),
        pytest.param("numeric:asc", "numeric:asc", id="largest"),
        pytest.param("numeric:desc", "numeric:desc", id="smallest"),
        pytest.param("alphabetical:asc", "alphabetical:asc", id="last"),
        pytest.param("alphabetical: desc", "alphabetical:desc", id="first"),
    ],
)
def test_every_policy_is_read_and_printed(text: str, printed: str) -> None:
    policy = parse_policy(text)

    assert str(policy) == printed
    assert parse_policy(printed) == policy


@pytest.mark.parametrize("text", ["v*", "latest", "newest", "major", "1.2"])
def test_in_fluxs_own_annotations_a_bare_value_is_a_glob(text: str) -> None:
    assert parse_policy(text, is_bare_glob=True) == parse_policy(f"glob:{text}")
    assert parse_policy(f"glob:{text}", is_bare_glob=True) == parse_policy(f"glob:{text}")


def test_in_fluxs_own_annotations_keywords_before_a_colon_are_the_same() -> None:
    for text in ("semver:~1.2", "glob:*", "regexp:^v", "regex:^v", "numeric:asc"):
        assert parse_policy(text, is_bare_glob=True) == parse_policy(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("^1.2", "is no glob; did you mean 'semver:^1.2'?", id="constraint"),
        pytest.param("[v]*", "no tag has '[', and a glob knows only '*' and '?'; write 'regexp:RE'",
                     id="no-class"),
        pytest.param("smever:1", "no such policy; did you mean 'semver'?", id="keyword"),
        pytest.param("", f"no such policy; {HELP}", id="empty"),
    ],
)  # fmt: skip
def test_a_bare_value_that_no_tag_can_match_is_refused(text: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        parse_policy(text, is_bare_glob=True)

    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("semver:>>1", "cannot read '>>1'", id="constraint"),
        pytest.param("semver: ", "it has no constraint; write 'semver:CONSTRAINT'",
                     id="empty-constraint"),
        pytest.param("semver", "it has no constraint; write 'semver:CONSTRAINT'",
                     id="no-constraint"),
        pytest.param("glob:", "it has no pattern; write 'glob:PATTERN'", id="empty-glob"),
        pytest.param("glob", "it has no pattern; write 'glob:PATTERN'", id="no-glob"),
        pytest.param("glob:a/b",
                     "no tag has '/', and a glob knows only '*' and '?'; write 'regexp:RE'",
                     id="glob-with-a-slash"),
        pytest.param(f"glob:{'*' * 257}", "is longer than 256 characters", id="long-glob"),
        pytest.param("regexp", "it has no expression; write 'regexp:RE'", id="no-expression"),
        pytest.param("regex:(", "is no regular expression of RE2: missing ): (", id="expression"),
        pytest.param("numeric",
                     "write 'numeric:asc' for the largest or 'numeric:desc' for the smallest",
                     id="no-direction"),
        pytest.param("numeric:up",
                     "write 'numeric:asc' for the largest or 'numeric:desc' for the smallest",
                     id="direction"),
        pytest.param("alphabetical:",
                     "write 'alphabetical:asc' for the last or 'alphabetical:desc' for the first",
                     id="empty-direction"),
        pytest.param("newest:x", "'newest' stands alone", id="argument"),
        pytest.param("numerical:asc", "no such policy; did you mean 'numeric'?", id="fluxs-word"),
        pytest.param("smever:^1", "no such policy; did you mean 'semver'?", id="slip"),
        pytest.param("SemVer:^1", "no such policy; did you mean 'semver'?", id="case"),
        pytest.param("newset", "no such policy; did you mean 'newest'?", id="slip-without-colon"),
        pytest.param("v*", "no such policy; did you mean 'glob:v*'?", id="bare-glob"),
        pytest.param("^1.2", "no such policy; did you mean 'semver:^1.2'?", id="bare-constraint"),
        pytest.param("1.x", "no such policy; did you mean 'semver:1.x'?", id="bare-range"),
        pytest.param("main", f"no such policy; {HELP}", id="a-tag"),
        pytest.param("", f"no such policy; {HELP}", id="empty"),
        pytest.param("s" * 10_000, f"no such policy; {HELP}", id="long"),
        pytest.param(":", f"no such policy; {HELP}", id="colon"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_the_nearest_word(text: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        parse_policy(text)

    assert raised.value.text == text
    assert raised.value.reason == reason

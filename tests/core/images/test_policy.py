import pytest

from reconciler.core.images.policy import DEFAULT_POLICY, SemverPolicy, parse_policy
from reconciler.errors import PolicySyntaxError


def test_a_policy_is_read_and_printed() -> None:
    policy = parse_policy(" semver: >=1.2, <2 ")

    assert isinstance(policy, SemverPolicy)
    assert str(policy) == "semver:>=1.2 <2"
    assert parse_policy(str(policy)) == policy
    assert str(DEFAULT_POLICY) == "same shape"


HELP = "write 'semver:CONSTRAINT'"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("semver:>>1", "cannot read '>>1'", id="constraint"),
        pytest.param("semver: ", f"it has no constraint; {HELP}", id="empty-constraint"),
        pytest.param("semver", f"it has no constraint; {HELP}", id="no-constraint"),
        pytest.param("glob:v*", f"this release does not support 'glob'; {HELP} or leave it out",
                     id="glob"),
        pytest.param("regexp:^v", f"this release does not support 'regexp'; {HELP} or leave it out",
                     id="regexp"),
        pytest.param("newest", f"this release does not support 'newest'; {HELP} or leave it out",
                     id="newest"),
        pytest.param("smever:^1", "no such policy; did you mean 'semver'?", id="slip"),
        pytest.param("SemVer:^1", "no such policy; did you mean 'semver'?", id="case"),
        pytest.param("newset", "no such policy; did you mean 'newest'?", id="slip-without-colon"),
        pytest.param("v*", f"no such policy; {HELP}", id="bare-glob"),
        pytest.param("", f"no such policy; {HELP}", id="empty"),
        pytest.param("s" * 10_000, f"no such policy; {HELP}", id="long"),
        pytest.param("glob", "no such policy; did you mean 'glob'?", id="glob-without-pattern"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_the_nearest_word(text: str, reason: str) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        parse_policy(text)

    assert raised.value.text == text
    assert raised.value.reason == reason

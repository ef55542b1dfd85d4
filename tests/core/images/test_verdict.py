from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.verdict import Verdict, verdicts

SIGNATURE = f"sha256-{'0a' * 32}.sig"


def said(verdicts: tuple[Verdict, ...]) -> list[tuple[str, bool, str]]:
    return [(each.tag, each.is_chosen, each.reason) for each in verdicts]


def test_the_default_policy_gives_a_verdict_on_every_tag_best_first() -> None:
    tags = (
        "v2",
        "v4",
        "v04",
        "v3",
        "v3",
        "latest",
        "1.0",
        "v5-rc1",
        "v5-x",
        SIGNATURE,
        "main",
        "-",
    )

    assert said(verdicts(tags, TagRules(DEFAULT_POLICY), current="v3")) == [
        ("v4", True, "chosen"),
        ("v04", False, "is another spelling of v4"),
        ("v3", False, "is older than v4"),
        ("v2", False, "is older than v4"),
        ("-", False, "is no tag"),
        ("1.0", False, "has another shape: #.#, not v#"),
        ("latest", False, "is 'latest', which names no version"),
        ("main", False, "is no version"),
        (SIGNATURE, False, "is a signature or attestation"),
        ("v5-rc1", False, "is a pre-release"),
        ("v5-x", False, "has another shape: v#-x, not v#"),
    ]


def test_a_pre_release_of_another_kind_is_told() -> None:
    tags = ("1.0-rc1", "1.0-beta2")

    assert said(verdicts(tags, TagRules(DEFAULT_POLICY), current="1.0-rc1")) == [
        ("1.0-rc1", True, "current"),
        ("1.0-beta2", False, "is a pre-release of another kind"),
    ]


def test_semver_gives_a_verdict_on_every_tag_best_first() -> None:
    tags = ("1.2", "v1.2.0", "1.1", "2.0", "1.3-rc.1", "1.2.0.1", "main")

    assert said(verdicts(tags, TagRules(parse_policy("semver:^1")), current="1.2")) == [
        ("1.2", True, "current"),
        ("v1.2.0", False, "is another spelling of 1.2"),
        ("1.1", False, "is older than 1.2"),
        ("1.2.0.1", False, "has more than three components"),
        ("1.3-rc.1", False, "is a pre-release, and the constraint names none"),
        ("2.0", False, "is not ^1, which ends before 2.0.0"),
        ("main", False, "is no semantic version"),
    ]


def test_a_current_tag_that_stays_though_turned_down_says_so() -> None:
    assert said(verdicts(("1.9", "2.5"), TagRules(parse_policy("semver:^1")), current="2.5")) == [
        ("1.9", False, "is older than 2.5"),
        ("2.5", False, "current, but is not ^1, which ends before 2.0.0"),
    ]


def test_verdicts_without_a_candidate_or_a_version_have_reasons_too() -> None:
    assert said(verdicts(("2.5",), TagRules(parse_policy("semver:^1")), current="3.0")) == [
        ("2.5", False, "is not ^1, which ends before 2.0.0")
    ]
    assert said(verdicts(("b", "a", "b"), TagRules(DEFAULT_POLICY), current="main")) == [
        ("a", False, "cannot be compared with 'main', which is no version"),
        ("b", False, "cannot be compared with 'main', which is no version"),
    ]

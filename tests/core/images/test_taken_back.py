"""After a tag was taken back for one that no order has a place for."""

from reconciler.core.images.policy import parse_policy
from reconciler.core.images.rules import TagRules, TakenBack
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.verdict import verdicts

RULES = TagRules(parse_policy("semver:*"), taken_back=TakenBack((("3.0.0", "3a33f0a"),)))
TAGS = ("1.0.0", "2.0.0", "3.0.0", "latest")


def test_no_older_one_is_adopted_in_its_place() -> None:
    made = select(TAGS, RULES, current="latest")

    assert (made.winner, made.reason) == (None, SelectionReason.WOULD_DOWNGRADE)
    assert made.detail == "the policy's best is 2.0.0, older than what was taken back for latest"


def test_a_newer_one_is_adopted() -> None:
    assert select([*TAGS, "3.0.1"], RULES, current="latest").winner == "3.0.1"


def test_where_nothing_stands_the_best_of_the_others_is_the_best() -> None:
    assert select(TAGS, RULES, current=None).winner == "2.0.0"


def test_verdicts_say_that_the_older_ones_are_older() -> None:
    said = {each.tag: each.reason for each in verdicts(TAGS, RULES, current="latest")}

    assert said["2.0.0"] == said["1.0.0"] == "is older than what was taken back for latest"
    assert said["3.0.0"] == "was taken back: 3a33f0a wrote it"

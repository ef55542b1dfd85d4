from reconciler.core.images.knowledge import Knowledge
from reconciler.core.images.listing import Listing
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import select
from reconciler.pipeline.selections import Selections

RULES = TagRules(parse_policy("semver:^1"), platforms=(Platform("linux", "amd64"),))
TAGS = ("1.0.0", "1.1.0", "2.0.0")
KNOWN = Knowledge(platforms={"1.1.0": frozenset({Platform("linux", "amd64")})})


def test_an_unchanged_list_is_not_gone_through_again() -> None:
    selections = Selections()

    for _ in range(3):
        selections.next_cycle()
        made = selections.select(Listing.of(TAGS), RULES, current="1.0.0", knowledge=KNOWN)
        assert made == select(TAGS, RULES, current="1.0.0", knowledge=KNOWN)

    assert selections.made == 1


def test_whatever_is_different_is_selected_anew() -> None:
    selections = Selections()
    listing = Listing.of(TAGS)
    selections.select(listing, RULES, current="1.0.0", knowledge=KNOWN)

    other_list = selections.select(Listing.of(TAGS[:1]), RULES, current="1.0.0", knowledge=KNOWN)
    other_rules = selections.select(listing, TagRules(), current="1.0.0", knowledge=KNOWN)
    other_tag = selections.select(listing, RULES, current="1.1.0", knowledge=KNOWN)
    less_known = selections.select(listing, RULES, current="1.0.0")

    assert (other_list.winner, other_rules.winner, other_tag.winner) == (None, "2.0.0", None)
    assert less_known.wants
    assert selections.made == 5


def test_rules_that_say_the_same_are_the_same() -> None:
    selections, listing = Selections(), Listing.of(TAGS)
    again = TagRules(parse_policy("semver:^1"), platforms=(Platform("linux", "amd64"),))
    selections.select(listing, RULES, current="1.0.0", knowledge=KNOWN)

    selections.select(listing, again, current="1.0.0", knowledge=KNOWN)

    assert (selections.made, hash(again)) == (1, hash(RULES))


def test_what_a_cycle_does_not_ask_for_is_forgotten() -> None:
    selections = Selections()
    selections.select(Listing.of(TAGS), RULES, current="1.0.0", knowledge=KNOWN)
    for _ in range(2):
        selections.next_cycle()

    selections.select(Listing.of(TAGS), RULES, current="1.0.0", knowledge=KNOWN)

    assert selections.made == 2


def test_tags_that_are_no_listing_are_selected_from_each_time() -> None:
    selections = Selections()

    assert selections.select(TAGS, RULES, current="1.0.0", knowledge=KNOWN).winner == "1.1.0"
    assert selections.made == 0

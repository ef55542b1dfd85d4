"""Selection: which of many tags."""

from collections.abc import Iterator

from bench.child import Job, require
from bench.cost import Cost, cost_of
from reconciler.core.images.listing import Listing
from reconciler.core.images.policy import parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import select
from reconciler.core.images.verdict import verdicts
from reconciler.pipeline.selections import Selections


def select_one(job: Job) -> Iterator[tuple[str, Cost]]:
    """Select among ``tags`` semantic versions with a constraint; again; then with every verdict.

    Each text is seen for the first time: the verdicts have tags of their own.
    """
    count = job["tags"]
    rules = TagRules(parse_policy("semver:>=1.2, <1.150 || ^3"))
    one = [f"1.{number // 50}.{number % 50}" for number in range(count)]
    other = [f"v1.{number // 50}.{number % 50}" for number in range(count)]

    cost, selection = cost_of(lambda: select(one, rules, current="1.0.0"))
    require(count < 200 or selection.winner == "1.149.49", f"selected {selection}")  # noqa: PLR2004 - fewer do not reach 1.2
    yield "select", cost

    selections, listing = Selections(), Listing.of(one)
    selections.select(listing, rules, current="1.0.0")
    selections.next_cycle()
    cost, again = cost_of(lambda: selections.select(Listing.of(one), rules, current="1.0.0"))
    require(again == selection and selections.made == 1, "it was selected afresh")
    yield "select in the next cycle, from the same list", cost

    cost, found = cost_of(lambda: verdicts(other, rules, current="v1.0.0"))
    require(len(found) == count, f"{len(found)} verdicts on {count} tags")
    yield "all verdicts", cost

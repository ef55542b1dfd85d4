"""What registries and manifests may say at worst: no reader falls over, none takes long."""

import contextlib
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from reconciler.adapters.registry.challenge import parse_challenges
from reconciler.adapters.registry.pagination import next_link
from reconciler.core.images.constraint import Constraint
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.reference import ImageReference, is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import select
from reconciler.core.images.shape import take_apart
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.images.tag_list import parse_tag_list
from reconciler.core.images.verdict import verdicts
from reconciler.core.images.version import parse_version
from reconciler.errors import ConstraintSyntaxError, PolicySyntaxError, ReferenceSyntaxError
from reconciler.errors import SettingsError as TagListError

TEXTS = 1_000_000
PARTS = 4  # tests, so that several processes can share them
EVERY = 50  # of the texts go to the readers that compile expressions

# fmt: off
PIECES = (
    *"0", "1", "9" * 18, "9" * 20, "2024", "007", *".-+_/:@,|~^=<>!?*$#%&;'\"()[]{}\\ \t\n\0",
    "..", "--", "__", "//", "||", ">=", "=>", "!=", "~>", " - ", ", ", "\r\n", "\x7f", "\x85",
    "v", "V", "rc", "rc.1", "alpha", "b", "x", "X", "latest", "main", "7e10abc", "a" * 128,
    "\u2028", "\ud800", "\udc80", "é", "٣", "²", "\U0001d7d9", "İ", "\ufeff",
    " " * 64, "-" * 64, "." * 64,
    "semver:", "glob:", "regexp:", "regex:", "numeric:", "alphabetical:", "asc", "newest", "minor",
    "\\d", "(?P<n>", "(?:", "a{100}", "$n", "${n}", "$1", "[^a]", "\\b",
    "registry.example", "localhost:5000", "[::1]", "sha256:", "@sha256:" + "0" * 64, "linux/",
    "Bearer ", "Basic", "Negotiate ", "realm=", 'realm="', 'service="a"', 'scope="\\"', '",',
    "</v2/a/tags/list?last=b>", "; rel=", '; rel="next"', "rel", "next", "%2f", "missing",
)
# fmt: on


def of_policies(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        parse_policy(text)


def of_constraints(text: str) -> None:
    with contextlib.suppress(ConstraintSyntaxError):
        Constraint.parse(text)


def of_references(text: str) -> None:
    with contextlib.suppress(ReferenceSyntaxError):
        ImageReference.parse(text)


def of_expressions(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        parse_policy(f"regexp:{text}")


def of_globs(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        parse_policy(text, is_bare_glob=True)


def of_templates(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        TagFilter(Pattern("^(?P<n>.)-"), text).extract("1-a")


def of_platforms(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        Platform.parse(text)


def of_tag_lists(text: str) -> None:
    with contextlib.suppress(TagListError):
        parse_tag_list(text, name="tags")


Reader = Callable[[str], object]

READERS: tuple[Reader, ...] = (
    is_tag,
    take_apart,
    parse_version,
    of_constraints,
    of_policies,
    of_references,
    parse_challenges,
    next_link,
)
COSTLY_READERS: tuple[Reader, ...] = (
    of_expressions,
    of_globs,
    of_templates,
    of_platforms,
    of_tag_lists,
)


def texts(random: Random, count: int) -> Iterator[str]:
    for _ in range(count):
        yield "".join(random.choices(PIECES, k=random.randrange(12)))


@pytest.mark.no_cover  # measuring coverage takes three times as long as reading
@pytest.mark.parametrize("part", range(PARTS))
def test_no_reader_raises_but_what_it_documents(part: int) -> None:
    seen = 0

    for number, text in enumerate(texts(Random(part), TEXTS // PARTS)):  # noqa: S311 - no secret
        for read in READERS:
            read(text)
        if number % EVERY == 0:
            for read in COSTLY_READERS:
                read(text)
        seen += 1

    assert seen == TEXTS // PARTS


def test_any_texts_are_judged_as_tags_by_every_policy() -> None:
    random = Random(0)  # noqa: S311 - no secret
    odd = [*texts(random, 2_000), "1.2", "1.10", "v3", "main", "latest", "7"]
    policies = (
        *("semver:*", "minor", "glob:*", "regexp:.", "newest"),
        *("numeric:asc", "alphabetical:desc", "digest"),
    )

    for policy in (DEFAULT_POLICY, *map(parse_policy, policies)):
        rules = TagRules(policy, tag_filter=TagFilter(Pattern("."), "$0"))
        for current in (None, "1.2", "main", *texts(random, 5)):
            winner = select(odd, rules, current=current).winner

            assert winner is None or is_tag(winner)
            assert len(verdicts(odd, rules, current=current)) == len(set(odd))


SHORT, FACTOR = 1_000, 8
ALLOWED = 4 * FACTOR  # a square would take FACTOR * FACTOR times as long
NOTICED_S = 0.002  # what takes less is lost in the noise


@pytest.mark.no_cover  # and would be measured with it
@pytest.mark.parametrize("piece", [" ", "\t,", "1", "1.", "v1-", "-a", ".0", "a/", "__", "*", "||"])
@pytest.mark.parametrize(
    "frame",
    ["{}", "1{}", "1.2-{}x", "semver:{}!", "glob:{}[", "regexp:{}(", "$n{}$", "a@sha256:{}",
     "a:{}/", "<a>; rel={}", '<a>; rel="{}', "<{}", "<a>;{}", "Bearer {}",
     'Bearer a="{}', "Basic a={},"],
)  # fmt: skip
def test_readers_take_linear_time(frame: str, piece: str) -> None:
    short = frame.format(piece * (SHORT // len(piece)))
    long = frame.format(piece * (SHORT * FACTOR // len(piece)))

    for read in (*READERS, *COSTLY_READERS):
        fast = cpu_s(read, short)
        slow = cpu_s(read, long)
        assert slow < NOTICED_S or slow < ALLOWED * fast, (read, fast, slow)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "policy",
    ["semver:>=1.2 <300 || ^3", "glob:1*", "minor", "numeric:asc", "alphabetical:desc", "newest"],
)
@pytest.mark.parametrize("current", ["1.0.0", "main"])
def test_selecting_takes_time_in_proportion_to_the_tags(policy: str, current: str) -> None:
    rules = TagRules(parse_policy(policy))

    def judge(count: str) -> None:
        tags = [f"1.{number // 50}.{number % 50}" for number in range(int(count))]
        select(tags, rules, current=current)
        verdicts(tags, rules, current=current)

    fast, slow = cpu_s(judge, "1000"), cpu_s(judge, "8000")

    assert slow < ALLOWED * fast


def cpu_s(read: Reader, text: str) -> float:
    """Return the processor time of the fastest of a few runs; other processes do not count."""
    runs = []
    for _ in range(3):
        start = time.process_time()
        read(text)
        runs.append(time.process_time() - start)
    return min(runs)

"""What was taken back is known from the trailers alone, whatever people and we did before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.history import (
    History,
    Message,
    Standing,
    Write,
    extended,
    history_of,
    standings,
    taken_back,
)
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import TakenBack
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.message import ImageTrailer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "registry.example/acme/web"
KEY = ("web.yaml", "web:deployment/web", "web")
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def write(old: str, new: str, *, number: int = 0, key: tuple[str, str, str] = KEY) -> Write:
    trailer = ImageTrailer(*key, f"{NAME}:{old}", f"{NAME}:{new}")
    return Write(f"{number:07x}{0:033x}", NOW, "reconcile <r@localhost>", "default@-", trailer)


def present(suffix: str, name: str = NAME) -> ImageReference:
    return ImageReference.parse(f"{name}:{suffix}")


def tags(writes: Sequence[Write], current: str) -> list[str]:
    return [tag for tag, _ in taken_back(writes, present(current)).tags]


@pytest.mark.parametrize(
    ("written", "current", "expected"),
    [
        ([], "v3", []),
        (["v4"], "v4", []),
        (["v4"], "v3", ["v4"]),
        (["v4", "v5"], "v4", ["v5"]),
        (["v4", "v5"], "v3", ["v4", "v5"]),
        (["v4", "v5"], "v9", ["v4", "v5"]),
        (["v4", "v5", "v6"], "v6", []),
        (["v4", "v5", "v4"], "v4", []),
        (["v4", "v5", "v4"], "v5", ["v4"]),
    ],
)
def test_what_was_written_after_the_present_tag_is_turned_down(
    written: list[str], current: str, expected: list[str]
) -> None:
    befores = ["v3", *written]
    writes = [write(old, new) for old, new in zip(befores, written, strict=False)]

    assert tags(writes, current) == expected


def test_what_was_taken_back_stays_so_when_we_wrote_something_else_since() -> None:
    writes = [write("v3", "v5"), write("v3", "v4")]  # somebody put v3 back in between

    assert tags(writes, "v4") == ["v5"]
    assert tags([*writes, write("v4", "v6")], "v6") == ["v5"]
    assert tags([*writes, write("v5", "v6")], "v6") == ["v4"]  # somebody wrote v5: it is lifted


def test_what_is_written_again_on_purpose_is_not_held() -> None:
    assert tags([write("v3", "v4"), write("v3", "v4")], "v4") == []


def test_the_commit_that_wrote_it_is_named() -> None:
    found = taken_back([write("v3", "v4", number=0xABCDEF0)], present("v3"))

    assert found.commit_of("v4") == "abcdef0"
    assert found.commit_of("v5") == ""
    assert found
    assert not TakenBack()


def test_tags_of_another_repository_are_not_remembered_against_this_one() -> None:
    moved = present("v3", "mirror.example/acme/web")

    assert taken_back([write("v3", "v4")], moved) == TakenBack()


def test_a_digest_that_only_one_of_them_has_makes_no_difference() -> None:
    assert tags([write("v3", "v4")], f"v4@{A}") == []
    assert tags([write(f"v3@{A}", f"v4@{B}")], "v4") == []
    assert tags([write(f"v3@{A}", f"v4@{B}")], f"v4@{C}") == []


def test_digests_that_were_replaced_are_not_followed_back() -> None:
    writes = [write(f"v1@{A}", f"v1@{B}"), write(f"v1@{B}", f"v1@{C}")]

    assert taken_back(writes, present(f"v1@{C}")).digests == {A, B}
    assert taken_back(writes, present(f"v1@{A}")).digests == {B, C}
    assert taken_back(writes, present(f"v2@{A}")).digests == frozenset()


def test_a_pin_that_a_person_removed_is_not_made_again() -> None:
    assert taken_back([write("v1", f"v1@{A}")], present("v1")).digests == {A}


def test_a_trailer_that_names_no_image_is_passed_over() -> None:
    broken = Write("0" * 40, NOW, "", None, ImageTrailer(*KEY, "::", "not an image"))

    assert tags([broken, write("v3", "v4")], "v3") == ["v4"]


def test_each_write_has_a_standing() -> None:
    writes = (
        write("v1", "v2", number=1),
        write("v2", "v5", number=2),
        write("v2", "v3", number=3),
        write("v1", "v2", number=4, key=("gone.yaml", *KEY[1:])),
    )

    found = standings(History(writes), [report("web.yaml")])

    assert [(each.trailer.new.rpartition(":")[2], standing) for each, standing in found] == [
        ("v2", Standing.REPLACED),
        ("v5", Standing.TAKEN_BACK),
        ("v3", Standing.PRESENT),
        ("v2", Standing.GONE),
    ]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(["v1", "v2", "v3", "v4", "v5"])), max_size=12)
)
def test_whatever_we_and_people_did(steps: list[tuple[bool, str]]) -> None:
    """Each step is a tag that stands there from then on, by us or by a person."""
    writes: list[Write] = []
    current, undone = "v0", set[str]()
    for is_ours, tag in steps:
        if is_ours and tag != current and tag not in tags(writes, current):
            writes.append(write(current, tag))
            current = tag
        elif not is_ours and tag != current:
            if writes and writes[-1].trailer.new == f"{NAME}:{current}":
                undone.add(current)  # what we wrote last, and somebody did not want
            undone.discard(tag)
            current = tag
        found = set(tags(writes, current))
        assert undone <= found  # nothing that was taken back is ever a candidate again
        assert current not in found
        assert found <= {each.trailer.new.rpartition(":")[2] for each in writes}


# Messages


def message(*trailers: ImageTrailer, commit: str = "c" * 40) -> Message:
    text = "Merge\n\n* one\n\n" + "\n\n* two\n\n".join(map(str, trailers))
    return Message(commit, NOW, "A Person <a@example.org>", f"{text}\nReconcile-By: default@-\n")


def writes_of(messages: Sequence[Message]) -> Sequence[Write]:
    """Return the writes of messages, the oldest of which comes first."""
    return history_of(reversed(messages), None).writes


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_squashed_commits_are_put_in_the_order_of_their_making(*, is_newest_first: bool) -> None:
    made = [write(old, new).trailer for old, new in [("v3", "v4"), ("v4", "v5"), ("v5", "v6")]]
    other = ImageTrailer("b.yaml", *KEY[1:], f"{NAME}:v4", f"{NAME}:v6")
    listed = [*(reversed(made) if is_newest_first else made), other]

    found = writes_of([message(*listed)])

    assert [each.trailer for each in found if each.trailer.key == KEY] == made
    assert {each.by for each in found} == {"default@-"}


def test_trailers_that_go_round_in_a_circle_are_all_read() -> None:
    made = [write(old, new).trailer for old, new in [("v3", "v4"), ("v4", "v3")]]

    assert {each.trailer for each in writes_of([message(*made)])} == set(made)


@pytest.mark.parametrize(("found", "expected"), [("first", 1997), ("another", 1998)])
def test_a_field_that_people_change_after_each_write_takes_no_longer(
    found: str, expected: int
) -> None:
    writes = [write("v0", "first")]
    writes += [write(found, f"v{number}", number=number) for number in range(1, 1999)]

    for number in range(1, 51):  # fields of one file
        assert len(tags(writes, f"v{number}")) == expected


def test_a_squash_of_many_commits_of_one_field_is_put_in_order() -> None:
    made = [write(f"v{number}", f"v{number + 1}").trailer for number in range(2000)]

    found = writes_of([message(*reversed(made))] * 20)

    assert [each.trailer for each in found] == made * 20


def test_of_very_many_writes_only_the_newest_commits_are_read_and_kept() -> None:
    def newest_first() -> Iterator[Message]:
        for number in (9, 8, 7):
            trailers = [write("1", str(number), key=(f"{each}", *KEY[1:])) for each in "ab"]
            yield replace(message(*(each.trailer for each in trailers)), at=NOW.replace(day=number))
        pytest.fail("it is read on")

    found = history_of(newest_first(), None, most=5)

    new = [each.trailer.new.rpartition(":")[2] for each in found.writes]
    assert new == ["8", "8", "9", "9"]
    assert found.since == NOW.replace(day=8)


def test_the_newest_commit_is_always_kept_and_what_is_known_whole_says_so() -> None:
    made = message(*(write("1", "2", key=(f"{each}", *KEY[1:])).trailer for each in "abc"))

    assert len(history_of([made], None, most=2).writes) == 3
    assert history_of([made, message()], None, most=3).since is None
    assert history_of([made], NOW, most=9).since == NOW


def test_a_message_made_to_take_long_does_not() -> None:
    made = [write(str(number % 7), str(number % 5)).trailer for number in range(50_000)]

    found = writes_of([message(*made)])

    assert len(found) == 50_000
    assert set(tags(found, "9")) == {"0", "1", "2", "3", "4"}


@given(
    sizes=st.lists(st.integers(0, 4), max_size=12),
    newer=st.integers(0, 12),
    most=st.integers(1, 20),
)
def test_what_is_newer_is_read_as_if_all_was_read_together(
    sizes: list[int], newer: int, most: int
) -> None:
    """Each size is how many images a message wrote; the newest message comes first."""
    messages = [
        replace(
            message(
                *(write("1", f"{size}", key=(f"{each}", *KEY[1:])).trailer for each in range(size)),
                commit=f"{number:040x}",
            ),
            at=NOW.replace(day=28 - number),
        )
        for number, size in enumerate(sizes)
    ]
    known = history_of(messages[newer:], NOW.replace(year=2020), most=most)

    found = extended(known, messages[:newer], most=most)

    assert found == history_of(messages, NOW.replace(year=2020), most=most)


def test_what_adds_nothing_leaves_all_that_was_worked_out() -> None:
    known = history_of([message(write("v3", "v4").trailer)], None)

    assert extended(known, [message(commit="d" * 40)]) is known


# Reports

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [
  {name: web, image: "registry.example/acme/web:v3"},
  {name: side, image: "registry.example/acme/web:v3"}]}}}
"""


def report(path: str) -> FileReport:
    return inspect(path, MANIFEST, default_namespace="x")


def test_memory_is_of_one_field_of_one_file() -> None:
    reports = [report("web.yaml"), report("other/web.yaml")]

    found = History((write("v3", "v4"),)).recalled(reports)

    assert [
        (each.path, each.container, bool(each.rules.taken_back))
        for one in found
        for each in one.fields
    ] == [
        ("web.yaml", "web", True),
        ("web.yaml", "side", False),
        ("other/web.yaml", "web", False),
        ("other/web.yaml", "side", False),
    ]
    assert found[1] is reports[1]


def test_without_history_reports_are_what_they_were() -> None:
    reports = (report("web.yaml"),)

    assert History().recalled(reports) == reports


def test_the_known_history_tells_from_a_write_of_one_of_the_images_on() -> None:
    known = History((write("v3", "v4"),), since=NOW)

    assert known.tells(KEY, present("v4"))
    assert known.tells(KEY, present(f"v4@{A}"))
    assert known.tells(KEY, present("v9"), present("v4"))
    assert not known.tells(KEY, present("v3"))
    assert not known.tells(KEY, present("v4", name="registry.example/acme/other"))
    assert not known.tells(("other.yaml", *KEY[1:]), present("v4"))
    assert not known.tells(KEY)
    assert History().tells(KEY, present("v3"))

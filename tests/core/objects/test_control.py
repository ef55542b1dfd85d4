"""What people want of a reconciler, as a ConfigMap keeps it."""

import pytest

from reconciler.core.objects.control import (
    ANSWERED,
    MAX_WORDS,
    REQUESTED,
    SUSPENDED,
    Answer,
    Control,
    Request,
    Suspension,
    decode_control,
    encode_control,
)

HELD = Suspension("jane", "the migration", "2026-11-24T09:00:00Z")
ANSWER = Answer("1", "https://git.example/web", "ok", "main@sha1:3a33f0a", "", 0)


@pytest.mark.parametrize(
    "control",
    [
        Control(),
        Control(HELD),
        Control(None, Request("1", "joe")),
        Control(HELD, Request("1"), ANSWER),
    ],
)
def test_what_is_written_is_read_again(control: Control) -> None:
    assert decode_control(encode_control(control)) == control


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "{}", "[" * 100_000, '{"by": {}}'])
def test_a_suspension_that_cannot_be_read_is_one_all_the_same(text: str) -> None:
    assert decode_control({SUSPENDED: text}).suspension == Suspension("", "", "")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": 5}'])
def test_requests_and_answers_that_cannot_be_read_are_none(text: str) -> None:
    assert decode_control({REQUESTED: text, ANSWERED: text, "more": "x"}) == Control()


def test_what_is_said_is_one_line_of_some_length() -> None:
    long = '{"by": "jane\\n\\u009b\\u202e", "why": "' + "a" * 5000 + '", "at": ""}'

    held = decode_control({SUSPENDED: long}).suspension

    assert held is not None
    assert held.by == "jane   "
    assert len(held.why) == MAX_WORDS


@pytest.mark.parametrize(
    ("held", "text"),
    [
        (HELD, "suspended by jane since 2026-11-24T09:00:00Z: the migration"),
        (Suspension("", "", "2026"), "suspended since 2026"),
    ],
)
def test_a_suspension_as_a_person_reads_it(held: Suspension, text: str) -> None:
    assert str(held) == text

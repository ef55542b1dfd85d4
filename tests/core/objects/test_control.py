"""What people want of a reconciler, as a ConfigMap keeps it."""

import json

import pytest

from reconciler.core.objects.control import (
    ANSWERED,
    MAX_REPOSITORIES,
    MAX_WORDS,
    REQUESTED,
    SUSPENDED,
    Answer,
    Control,
    Request,
    Suspension,
    asked,
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
        Control(None, Request("1", "joe", frozenset())),
        Control(None, Request("1", "joe", frozenset({"r.example/web", "r.example/api"}))),
    ],
)
def test_what_is_written_is_read_again(control: Control) -> None:
    assert decode_control(encode_control(control)) == control


@pytest.mark.parametrize(
    "named",
    [
        pytest.param("5", id="a-number"),
        pytest.param('"r.example/web"', id="a-text"),
        pytest.param('["r.example/web", 5]', id="not-all-texts"),
        pytest.param(json.dumps(["x" * (MAX_WORDS + 1)]), id="too-long"),
        pytest.param(json.dumps(list(map(str, range(MAX_REPOSITORIES + 1)))), id="too-many"),
    ],
)
def test_repositories_that_cannot_be_read_are_all(named: str) -> None:
    control = decode_control({REQUESTED: f'{{"id": "1", "repositories": {named}}}'})

    assert control.request == Request("1")


@pytest.mark.parametrize(
    ("before", "answer", "expected"),
    [
        pytest.param(None, None, {"b"}, id="nothing-before"),
        pytest.param(Request("1", "", frozenset({"a"})), None, {"a", "b"}, id="not-taken-up-yet"),
        pytest.param(Request("1", "", frozenset({"a"})), Answer("1"), {"b"}, id="taken-up"),
        pytest.param(Request("1"), Answer("0"), None, id="all-were-asked-for"),
        pytest.param(
            Request("1", "", frozenset(map(str, range(MAX_REPOSITORIES)))),
            None,
            None,
            id="too-many",
        ),
    ],
)
def test_a_request_wants_what_one_before_it_wanted_that_nobody_has_taken_up(
    before: Request | None, answer: Answer | None, expected: set[str] | None
) -> None:
    request = asked(Control(None, before, answer), Request("2", "webhook", frozenset({"b"})))

    assert (request.id, request.by) == ("2", "webhook")
    assert request.repositories == expected


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

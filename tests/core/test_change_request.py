import pytest

from reconciler.core.change_request import (
    MAX_BODY,
    MAX_TITLE,
    ChangeRequest,
    mark_of,
    request_text,
)
from reconciler.core.message import compose, parse_trailers, trailer_of
from tests.core.test_message import MANIFEST, changes


def request(body: str, *, is_open: bool = False) -> ChangeRequest:
    return ChangeRequest(1, "https://forge.example/1", "Update", body, is_open=is_open)


def test_the_text_has_the_commit_s_subject_a_table_and_its_trailers() -> None:
    made = changes()

    text = request_text(compose(made, by="default@-"), made)

    assert text.title == "Update nginx to v4"
    assert text.body.splitlines()[:3] == [
        "| workload | container | from | to |",
        "|---|---|---|---|",
        "| `web:deployment/nginx-deployment` | `nginx` | `registry.example/acme/nginx:v3` | `v4` |",
    ]
    assert parse_trailers(text.body) == (trailer_of(made[0]),)
    assert text.body.splitlines()[-1] == f"    Reconcile-Proposal: {mark_of(made[0])}"


def test_a_request_knows_what_it_shows_and_what_it_answers() -> None:
    one, other = changes("a.yaml"), changes("b.yaml")
    body = request_text("x", [*one, *other]).body

    assert request(body).shows([*other, *one])
    assert not request(body).shows(one)
    assert request(body).answers(one)
    assert not request(request_text("x", one).body).answers([*one, *other])
    assert not request(body, is_open=True).answers(one)
    assert not request("somebody's words").answers(one)
    assert request(body.replace("\n", "\r\n")).shows([*one, *other])


def test_what_we_closed_answers_nothing() -> None:
    made = changes()
    body = request(request_text("x", made).body).withdrawn_body

    assert body.startswith("Closed by `reconcile`")
    assert "| `nginx` |" in body
    assert not request(body).answers(made)
    assert not request(body).marks


def test_wild_names_break_no_table_and_call_nobody() -> None:
    wild = "a | @team `b` ](x) <i>"
    made = changes("p|a.yaml", MANIFEST.replace('"nginx-deployment"', f'"{wild}"'))

    rows = [line for line in request_text("x", made).body.splitlines() if line.startswith("| ")]

    assert rows[1].startswith(r"| `web:deployment/a \| @team 'b' ](x) <i>` | `nginx` | ")


def test_a_title_is_one_line_of_bounded_length() -> None:
    made = changes()

    assert request_text("a\x07b\nc", made).title == "a?b"
    assert len(request_text("x" * 1000, made).title) == MAX_TITLE


@pytest.mark.parametrize("count", [1500, 2500])
def test_very_many_changes_fit_a_body(count: int) -> None:
    made = [each for number in range(count) for each in changes(f"folder/{number:04}.yaml")]

    body = request_text("x", made).body

    assert len(body) <= MAX_BODY
    assert " more\n" in body
    assert parse_trailers(body) == ()
    assert request(body).shows(made)
    assert request(body).answers(made)
    assert not request(body).shows(made[1:])

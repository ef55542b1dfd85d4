"""``reconcile policy test``, as a user meets it."""

from pathlib import Path

import pytest

from tests.interfaces.program import on_a_terminal, program, undocumented

TAGS = "v1.2\n\nv1.3\r\n1.3\n2.0\nlatest\n2.1-rc1\n"


def test_every_tag_has_its_verdict() -> None:
    done = program("policy", "test", "semver:^1", stdin=TAGS)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Picks v1.3: is the policy's best",
        "TAG      VERDICT",
        "v1.3     chosen",
        "1.3      is another spelling of v1.3",
        "v1.2     is older than v1.3",
        "2.0      is not ^1, which ends before 2.0.0",
        "2.1-rc1  is a pre-release, and the constraint names none",
        "latest   is 'latest', which names no version",
    ]


def test_the_document_tells_what_is_selected_and_why() -> None:
    done = program("policy", "test", "semver:^1", "--current", "v1.3", "-o", "json", stdin=TAGS)

    assert done.code == 0
    assert {name: value for name, value in done.json.items() if name != "verdicts"} == {
        "version": 1,
        "exitCode": 0,
        "policy": "semver:^1",
        "current": "v1.3",
        "selected": "v1.3",
        "reason": "ALREADY_NEWEST",
        "detail": "v1.3 is the newest",
    }
    assert undocumented(done.json) == set()
    assert done.json["verdicts"][0] == {"tag": "v1.3", "chosen": True, "reason": "current"}
    assert len(done.json["verdicts"]) == 6


def test_the_default_policy_is_tried_from_a_current_tag(tmp_path: Path) -> None:
    (tmp_path / "tags").write_text(TAGS)
    arguments = ("--current", "v1.2", "--tags-file", str(tmp_path / "tags"), "-o", "json")
    done = program("policy", "test", "default", *arguments)

    assert (done.code, done.json["policy"], done.json["selected"]) == (0, "same shape", "v1.3")


def test_nothing_picked_is_no_failure_and_has_a_reason() -> None:
    done = program("policy", "test", "semver:^9", stdin=TAGS)

    assert done.code == 0
    assert done.out.startswith("Picks nothing: none of 6 listed tags matches semver:^9\n")


def test_a_current_tag_that_is_no_version_needs_a_policy() -> None:
    done = program("policy", "test", "default", "--current", "main", stdin=TAGS)

    assert done.code == 3
    assert done.out.startswith("Picks nothing: 'main' is no version: give a policy")


def test_filters_platforms_and_downgrades_are_those_of_the_annotations() -> None:
    tags = "build-7 linux/amd64\nbuild-8 linux/arm64\nbuild-10 linux/amd64,linux/arm64\n9\n"
    options = ("--filter", "^build-([0-9]+)$", "--extract", "$1", "--current", "build-8")

    def picked(*more: str, stdin: str = tags) -> str:
        done = program("policy", "test", "numeric:asc", *options, *more, stdin=stdin)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()[0]

    assert picked() == "Picks build-10: build-10 is larger than build-8"
    assert picked(stdin="build-7\nbuild-8\n") == "Picks build-8: build-8 is the largest"
    assert picked("--platforms", "linux/arm64,linux/amd64").startswith("Picks build-10: ")
    assert picked("--platforms", "linux/s390x") == "Picks build-8: build-8 is the largest"
    assert picked("--allow-downgrade", stdin="build-7\n").startswith("Picks build-7: ")


def test_what_the_list_knows_of_images_decides() -> None:
    times = "a 2024-06-01T00:00:00Z\nb 2024-06-03T00:00:00Z\nc -\nd missing\n"
    done = program("policy", "test", "newest", "--current", "a", "-o", "json", stdin=times)
    held = program("policy", "test", "newest", "--current", "a", stdin=times + "e\n")

    assert (done.json["selected"], done.json["reason"]) == ("b", "NEWER")
    assert (held.code, held.out.splitlines()[0]) == (
        0,
        "Picks a: creation time known for 4 of 5",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["semver:^^"], "invalid policy 'semver:^^': cannot read '^^'", id="policy"),
        pytest.param(["smever:^1"], "no such policy; did you mean 'semver'?", id="slip"),
        pytest.param(
            ["default"],
            "the default policy starts from the current tag: give --current",
            id="default",
        ),
        pytest.param(["digest"], "the 'digest' policy starts from the current tag", id="digest"),
        pytest.param(["newest", "--extract", "$1"], "give --filter", id="extract"),
        pytest.param(["newest", "--filter", "("], "is no regular expression of RE2", id="filter"),
        pytest.param(
            ["newest", "--platforms", "arm64"],
            "invalid policy 'arm64': is no platform",
            id="platform",
        ),
        pytest.param(["semver:1", "--current", "a/b"], "--current: 'a/b' is no tag", id="current"),
        pytest.param(["semver:1", "--tags-file", "none"], "none: cannot read it: No such", id="no"),
        pytest.param(["semver:1", "--tags-file", "/"], "/: cannot read it: Is a", id="folder"),
        pytest.param(["semver:1", "--tags-file", "/bin/sh"], "/bin/sh:1: is not UTF-8", id="bin"),
    ],
)
def test_wrong_input_is_named(arguments: list[str], message: str) -> None:
    done = program("policy", "test", *arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_input_that_is_no_text_is_refused() -> None:
    done = program("policy", "test", "semver:1", stdin=b"v1\n\xff\n")

    assert (done.code, done.err) == (2, "reconcile: standard input:2: is not UTF-8\n")


def test_a_terminal_is_not_waited_for() -> None:
    done = on_a_terminal("policy", "test", "semver:1")

    assert done.code == 2
    assert "give the tags, one a line: --tags-file FILE, or by a pipe" in done.out


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    (tmp_path / "tags").write_text(TAGS)
    arguments = ("policy", "test", "semver:^1", "--tags-file", str(tmp_path / "tags"))

    assert "\x1b[32mv1.3     chosen\x1b[0m\n" in on_a_terminal(*arguments).out
    assert "\x1b" not in on_a_terminal(*arguments, env={"NO_COLOR": "1"}).out
    assert "\x1b" not in on_a_terminal(*arguments, env={"TERM": "dumb"}).out
    assert "\x1b" not in program(*arguments).out
    assert "\x1b" in on_a_terminal(*arguments, env={"NO_COLOR": ""}).out

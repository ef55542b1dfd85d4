"""The command line, as a user meets it."""

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog

from lab.bare_repository import BareRemote
from reconciler.core.decision import Change, Skip
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import DEFAULT_RULES
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.images import ImageField, SkipReason
from reconciler.core.objects.desired import Origin
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import CycleOutcome, Problem, worst
from reconciler.core.revision import Revision
from reconciler.interfaces import logs
from reconciler.interfaces.cli import main as main_module
from reconciler.interfaces.cli.json_document import document
from reconciler.interfaces.cli.main import run
from reconciler.interfaces.cli.text import Narrator
from reconciler.interfaces.terminal import Terminal, colour_choice
from reconciler.pipeline.events import Applying, Fetching, Planned, Pushed, Scanning, Waiting
from tests.interfaces.program import program

REVISION = Revision("main", "3a33f0a" + "0" * 33)
KEY = ObjectKey("apps", "Deployment", "web", "nginx")
WRITTEN = WrittenImage(name=Scalar("r.example/nginx:v3", 0, 18, 1))


def field() -> ImageField:
    reference = ImageReference.parse("r.example/nginx:v3")
    return ImageField(
        path="web.yaml",
        line=9,
        workload=KEY,
        container="nginx",
        text=str(reference),
        written=WRITTEN,
        reference=reference,
        rules=DEFAULT_RULES,
        puller=Puller("web"),
    )


def change() -> Change:
    old = ImageReference.parse("r.example/nginx:v3")
    return Change(field(), old, old.with_tag("v4"))


def outcome(**more: object) -> CycleOutcome:
    return CycleOutcome("default", "https://git.example/web", **more)  # type: ignore[arg-type]  # by name


class OnTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(done: CycleOutcome) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with Narrator(out, err) as narrator:
        narrator.conclude(done)
    return out.getvalue(), err.getvalue()


def test_events_are_told_in_fluxctls_manner() -> None:
    out = io.StringIO()
    with Narrator(out, io.StringIO()) as narrator:
        for event in (
            Fetching("https://git.example/web"),
            Scanning(1),
            Planned((change(),)),
            Pushed(REVISION),
            Applying(REVISION),
            Waiting(REVISION),
        ):
            narrator.tell(event)

    assert out.getvalue() == (
        "Synchronizing with https://git.example/web\n"
        "web:deployment/nginx  nginx: r.example/nginx:v3 -> v4\n"
        "Commit pushed:   3a33f0a\n"
        "Revision of main to apply is 3a33f0a\n"
        "Waiting for 3a33f0a to be applied ...\n"
    )


def test_a_terminal_shows_what_is_waited_for_and_is_left_clean() -> None:
    err = OnTerminal()
    with Narrator(io.StringIO(), err) as narrator:
        narrator.tell(Fetching("https://git.example/web"))
        time.sleep(0.2)

    assert "fetching" in err.getvalue()
    assert err.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K") or "\x1b[?25h" in err.getvalue()


def test_problems_go_to_standard_error_and_what_was_done_to_standard_output() -> None:
    skips = (
        Skip(field(), SkipReason.ALREADY_NEWEST, "v3 is the newest"),
        Skip(field(), SkipReason.PINNED_BY_DIGEST, "is pinned by its digest"),
    )
    report = SyncReport(
        (
            ObjectReport(KEY, Action.CONFIGURED),
            ObjectReport(KEY, Action.KEPT, "left behind"),
            ObjectReport(KEY, Action.UNCHANGED, health=Health(Status.CURRENT, "")),
        )
    )
    problems = (
        Problem("web.yaml:3", "bad", is_stalled=True),
        Problem("", "down", is_stalled=False),
    )

    out, err = told(outcome(skips=skips, sync=report, problems=problems))

    assert out == (
        "web:deployment/nginx  nginx: r.example/nginx:v3  skipped: is pinned by its digest\n"
        "deployment.apps/nginx (namespace web) configured\n"
        "deployment.apps/nginx (namespace web) kept: left behind\n"
    )
    assert err == "error: web.yaml:3: bad\nfailed: down\n"


HOSTILE = "\x1b]0;mine\x07\x9b2J\u202e\nDone."
STEERING = ("\x1b]", "\x07", "\x9b", "\u202e", "\nDone.")


def test_what_others_wrote_does_not_steer_the_terminal_and_makes_no_lines() -> None:
    key = ObjectKey("apps", "Deployment", "web", f"nginx{HOSTILE}")
    report = SyncReport((ObjectReport(key, Action.KEPT, HOSTILE),))
    skips = (Skip(field(), SkipReason.PINNED_BY_DIGEST, HOSTILE),)
    problems = (Problem(f"web.yaml{HOSTILE}", HOSTILE, is_stalled=True),)

    out, err = told(outcome(skips=skips, sync=report, problems=problems))

    assert not [each for each in STEERING if each in out + err]
    assert (out.count("\n"), err.count("\n")) == (2, 1)


def test_a_diff_is_to_the_byte_in_a_pipe_and_harmless_on_a_terminal() -> None:
    diff = f"+a: \t{HOSTILE}\r\n"
    stream = OnTerminal()
    shown = Terminal(stream, 80, has_colours=False).shown_diff(diff)
    Terminal(stream, 80, has_colours=False).say(HOSTILE)

    assert Terminal(io.StringIO(), 80, has_colours=False).shown_diff(diff) == diff
    assert shown == "+a: \t�]0;mine��2J�\nDone.\n"
    assert stream.getvalue() == "�]0;mine��2J�\nDone.\n"


@pytest.mark.parametrize(
    ("choice", "environment", "on_terminal", "in_pipe"),
    [
        pytest.param("auto", {}, True, False, id="auto"),
        pytest.param("auto", {"TERM": "dumb"}, False, False, id="dumb"),
        pytest.param("auto", {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False, False, id="no"),
        pytest.param("auto", {"NO_COLOR": "", "CLICOLOR_FORCE": "1"}, True, True, id="force"),
        pytest.param("auto", {"CLICOLOR_FORCE": "0"}, True, False, id="force-off"),
        pytest.param("always", {"NO_COLOR": "1"}, True, True, id="always"),
        pytest.param("never", {"CLICOLOR_FORCE": "1"}, False, False, id="never"),
    ],
)
def test_colours_are_where_they_are_welcome(
    choice: str, environment: dict[str, str], on_terminal: bool, in_pipe: bool
) -> None:
    before = colour_choice.set(choice)
    try:
        terminals = [Terminal.of(each, environment) for each in (OnTerminal(), io.StringIO())]
        diffs = [
            each.shown_diff("web configured\n--- a\n+++ b\n@@ @@\n a\n-b\n+c\n")
            for each in terminals
        ]
    finally:
        colour_choice.reset(before)

    assert [each.has_colours for each in terminals] == [on_terminal, in_pipe]
    coloured = (
        "\x1b[1mweb configured\x1b[0m\n\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n"
        "\x1b[36m@@ @@\x1b[0m\n a\n\x1b[31m-b\x1b[0m\n\x1b[32m+c\x1b[0m\n"
    )
    assert [each == coloured for each in diffs] == [on_terminal, in_pipe]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_line_does_not_steer_the_terminal(form: str) -> None:
    stream = io.StringIO()
    logs.configure(level="info", form=form, stream=stream)
    try:
        structlog.get_logger().info(
            "object.kept", reason=HOSTILE, object=HOSTILE.partition("\n")[0]
        )
    finally:
        logs.configure(level="error", form=None)

    line = stream.getvalue()
    assert line.count("\n") == 1
    assert not [each for each in STEERING if each in line]
    if form == "json":
        assert json.loads(line)["reason"] == HOSTILE


def test_a_dry_run_tells_both_diffs() -> None:
    origin = Origin("web.yaml", 3)
    report = SyncReport((ObjectReport(KEY, Action.CONFIGURED, origin=origin, diff="+cluster\n"),))
    done = outcome(is_dry_run=True, changes=(change(),), commit_diff="+commit\n", sync=report)

    out, _ = told(done)

    assert done.exit_code == 4
    head = "deployment.apps/nginx (namespace web) configured  [web.yaml:3]"
    assert out.startswith(f"+commit\n{head}\n+cluster\n")
    assert out.count("configured") == 1
    assert "Done." not in out


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([0, 4, 1], 1, id="transient"),
        pytest.param([1, 3, 4], 3, id="stalled"),
        pytest.param([3, 2], 2, id="usage"),
        pytest.param([0, 4], 4, id="pending"),
        pytest.param([2, 70], 70, id="bug"),
    ],
)
def test_the_worst_outcome_gives_the_exit_code(codes: list[int], expected: int) -> None:
    assert worst(codes) == expected


def test_the_document_holds_what_its_description_names() -> None:
    report = SyncReport((ObjectReport(KEY, Action.CREATED, health=Health(Status.CURRENT, "ok")),))
    done = outcome(
        fetched=REVISION,
        revision=REVISION,
        pushed=REVISION,
        changes=(change(),),
        skips=(Skip(field(), SkipReason.LOCKED, "locked by me"),),
        commit_diff="+x\n",
        sync=report,
        problems=(Problem("a:1", "bad", is_stalled=True),),
    )

    read = json.loads(document([done, outcome()]))

    described = (Path(__file__).parents[2] / "docs/reference/outcome.md").read_text()
    first, second = read["sources"]
    assert (read["version"], read["exitCode"]) == (1, 3)
    assert second["sync"] is None
    for key in [*read, *first, *first["changes"][0], *first["skips"][0], *first["sync"]]:
        assert re.search(rf"[`.]{key}\b", described), key
    for key in [*first["sync"]["objects"][0], *first["problems"][0]]:
        assert f"`{key}`" in described, key


def test_a_bug_outside_a_cycle_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(main_module, "_execute", broken)

    assert run(["--once"]) == 70
    assert "this is a bug" in capsys.readouterr().err


def test_several_sources_are_run_one_after_the_other(tmp_path: Path) -> None:
    for name in ("shop", "blog"):
        BareRemote.create(tmp_path / name).put({"README.md": b"x\n"})
    config = tmp_path / "config.yaml"
    config.write_text(
        "sync: false\nsources:\n"
        f"- {{name: shop, git-url: {tmp_path / 'shop'}}}\n"
        f"- {{name: gone, git-url: {tmp_path / 'gone'}}}\n"
        f"- {{name: blog, git-url: {tmp_path / 'blog'}}}\n"
    )
    command = [sys.executable, "-m", "reconciler", "--once", "--config", str(config)]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path / "data"), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )

    read = json.loads(done.stdout)
    assert done.returncode == read["exitCode"] == 3
    assert [(each["name"], each["exitCode"]) for each in read["sources"]] == [
        ("shop", 0),
        ("gone", 3),
        ("blog", 0),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [", "cannot be read: ", id="yaml"),
        pytest.param("- a", "must hold one YAML mapping", id="list"),
        pytest.param("a: 1\n---\nb: 1", "must hold one YAML mapping", id="two"),
        pytest.param("git-user: J\xf6rg", "--config: is not UTF-8", id="latin-1"),
        pytest.param("git-user: &x [*x]", "cannot be read: ", id="loop"),
    ],
)
def test_a_broken_configuration_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="latin-1")
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--once", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert message in done.stderr
    assert str(config) in done.stderr


def test_version_and_help_import_no_client_library() -> None:
    script = (
        "import sys; sys.argv[0] = 'reconcile'\n"
        "from reconciler.__main__ import main\n"
        "main()\n"
        "clients = {'click', 'git', 'jinja2', 'kubernetes', 'urllib3', 'ruamel'}\n"
        "print(sorted(clients & set(sys.modules)))\n"
    )

    def imported(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1]

    assert imported("--version") == "[]"
    assert imported("--help") == "['click']"
    assert imported("images", "--help") == "['click']"
    assert imported("policy", "test", "-h") == "['click']"


def test_options_stand_before_a_commands_name_or_after_it(tmp_path: Path) -> None:
    (tmp_path / "tags").write_text("v1\n")
    test = ("policy", "test", "semver:1", "--tags-file", str(tmp_path / "tags"))

    for arguments in (
        ("-o", "json", *test),
        ("policy", "--output", "json", *test[1:]),
        (*test, "-o", "json"),
        ("-o", "text", *test, "-o", "json"),  # the nearest wins
    ):
        assert program(*arguments).json["selected"] == "v1"

    variable = {"RECONCILE_OUTPUT": "json"}
    assert program(*test, env=variable).json["selected"] == "v1"
    assert program(*test, "-o", "text", env=variable).out.startswith("Picks v1")


def test_a_list_counts_from_both_places(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"one/a.yaml": b"a: b\n", "two/b.yaml": b"a: b\n"})
    settings = ("--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"))

    done = program("--git-path", "one", *settings, "images", "--git-path", "three")

    assert done.code == 3
    assert "three: no such folder" in done.err
    assert "one: " not in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["imges"], "No such command 'imges'. Did you mean 'images'?", id="slip"),
        pytest.param(["--once", "images"], "--once does not go with 'images'", id="once"),
        pytest.param(["images", "--once"], "No such option '--once'", id="once-behind"),
        pytest.param(["policy", "tets"], "No such command 'tets'. Did you mean 'test'?", id="deep"),
        pytest.param(["policy"], "Usage: reconcile policy [OPTIONS] COMMAND", id="group"),
        pytest.param(["images", "a", "b"], "unexpected extra argument", id="too-many"),
        pytest.param(["help"], "Error: write 'reconcile --help'", id="help"),
        pytest.param(["update", ""], "reconcile: PATH is empty", id="update-nothing"),
        pytest.param(["apply", ""], "reconcile: PATH is empty", id="apply-nothing"),
        pytest.param(
            ["health", ""], "reconcile: the name of the file is empty", id="health-nothing"
        ),
        pytest.param(["--once", "--git-url", "/\udcff"], "is not UTF-8", id="bytes"),
        pytest.param(
            ["--once", "--no-sync", "--git-url", "/x", "--git-password-file", "x" * 300],
            "xxx': File name too long",  # as is said of what is not ours to look at
            id="unreadable",
        ),
        pytest.param([], "    reconcile --once --dry-run --git-url URL\n", id="nothing"),
    ],
)
def test_a_wrong_command_is_a_usage_error(arguments: list[str], message: str) -> None:
    done = program(*arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m reconciler --help | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["template -", "health -", "policy test newest"])
def test_a_closed_standard_input_is_told(command: str) -> None:
    line = f"{sys.executable} -m reconciler {command} <&-"

    done = subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr == "reconcile: standard input is closed\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["--version", "policy test semver:1 --tags-file tags"])
def test_closed_streams_are_no_error(closed: str, arguments: str, tmp_path: Path) -> None:
    (tmp_path / "tags").write_text("v1\n")
    command = f"{sys.executable} -m reconciler {arguments} {closed}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("home", ["/none", None])
def test_no_home_is_needed_where_a_folder_for_clones_is_given(
    tmp_path: Path, home: str | None
) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"a.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    left_out = ("HOME", "KUBECONFIG", "DOCKER_CONFIG", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    if home:
        environment["HOME"] = home

    settings = ("--git-url", str(remote.path), "--data-dir", "~nobody-of-this-name/data")
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--once", "--no-sync", *settings],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")

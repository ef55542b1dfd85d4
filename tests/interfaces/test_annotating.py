"""``automate``, ``deautomate``, ``lock``, ``unlock`` and ``policy set``, as a user meets them."""

import re
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from tests.interfaces.program import Done, program, undocumented

NAME = "web:deployment/nginx"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx # the shop
  namespace: web
spec:
  template:
    spec:
      containers:
      - {name: nginx, image: nginx:v3}
"""
ON = '  annotations:\n    fluxcd.io/automated: "true"\n'
AUTOMATED = MANIFEST.replace("namespace: web\n", f"namespace: web\n{ON}")


class Place:
    """A repository with a workload, and the settings to reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = BareRemote.create(folder / "web.git")
        self.remote.put({"apps/web.yaml": MANIFEST.encode()})

    def call(self, *arguments: str) -> Done:
        settings = ("--git-url", str(self.remote.path), "--data-dir", str(self.folder / "data"))
        return program(*arguments, *settings, env={"COLUMNS": "120"})

    def text(self) -> str:
        return self.remote.content("main:apps/web.yaml").decode()

    def commit(self, what: str) -> str:
        return git(self.remote.path, "log", "-1", f"--format={what}", "main")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_automating_prints_fluxctl_s_table_and_twice_is_once(place: Place) -> None:
    first = place.call("automate", NAME)

    tip = place.remote.tip()
    assert (first.code, first.err) == (0, "")
    assert first.out == (
        f"Commit pushed:   {tip[:7]}\n"
        "WORKLOAD              STATUS   UPDATES\n"
        "web:deployment/nginx  success  fluxcd.io/automated: true\n"
    )
    assert place.text() == AUTOMATED
    assert place.commit("%an <%ae>%n%B").rstrip() == (
        f"reconcile <reconcile@localhost>\nAutomate {NAME}\n\n{NAME} fluxcd.io/automated: true"
    )

    again = place.call("automate", "deploy/nginx")
    assert (again.code, again.err) == (0, "")
    assert again.out == (
        "WORKLOAD              STATUS   UPDATES\nweb:deployment/nginx  skipped  already so\n"
    )
    assert place.remote.tip() == tip

    assert place.call("deautomate", NAME).code == 0
    assert place.text() == MANIFEST


def test_a_lock_names_who_and_why_and_unlocking_leaves_nothing(place: Place) -> None:
    done = place.call("lock", NAME, "--user", "Jane <jane@example.org>", "-m", "wait: #1")

    assert (done.code, done.err) == (0, "")
    assert place.text() == MANIFEST.replace(
        "namespace: web\n",
        'namespace: web\n  annotations:\n    fluxcd.io/locked: "true"\n'
        '    fluxcd.io/locked_user: Jane\n    fluxcd.io/locked_msg: "wait: #1"\n',
    )
    assert place.commit("%an <%ae>|%cn <%ce>|%s") == (
        "Jane <jane@example.org>|reconcile <reconcile@localhost>|wait: #1"
    )

    automated = place.call("automate", NAME)
    assert automated.err == (
        "note: web:deployment/nginx is locked: its images are not updated until it is unlocked\n"
    )
    assert place.call("unlock", NAME).code == 0
    assert place.text() == AUTOMATED


def test_a_commit_is_signed_off_by_the_committer_and_kept_from_ci(place: Place) -> None:
    settings = ("--git-sign-off", "--git-ci-skip", "--git-user", "Robot", "--git-email", "r@b.io")

    assert place.call("automate", NAME, *settings, "--user", "Jane <jane@x.io>").code == 0

    assert place.commit("%an|%cn|%B").rstrip() == (
        f"Jane|Robot|Automate {NAME} [ci skip]\n\n{NAME} fluxcd.io/automated: true\n\n"
        "Signed-off-by: Robot <r@b.io>"
    )

    said = ("-m", "Stop [no ci]\n\nFor now.", "--git-ci-skip-message", "[no ci]")
    assert place.call("deautomate", NAME, *said).code == 0
    assert place.commit("%s") == "Stop [no ci]"


def test_policies_are_set_each_where_it_means_what_it_says(place: Place) -> None:
    done = place.call("policy", "set", NAME, "nginx=semver:^1.2 || 3", "*=minor")

    assert done.code == 0
    assert place.text() == MANIFEST.replace(
        "namespace: web\n",
        'namespace: web\n  annotations:\n    fluxcd.io/tag.nginx: "semver:^1.2 || 3"\n'
        "    reconcile/policy: minor\n",
    )
    assert 'not automated: annotate it fluxcd.io/automated: "true"' in done.err


@pytest.mark.parametrize(
    "command",
    [("automate",), ("deautomate",), ("lock",), ("unlock",), ("policy", "set")],
    ids=" ".join,
)
def test_every_command_can_be_tried_first_and_says_whose_commit_it_is_and_why(
    place: Place, command: tuple[str, ...]
) -> None:
    on = {"deautomate": "automated", "unlock": "locked"}.get(command[0])
    there = ON.replace("fluxcd.io/automated", f"reconcile/{on}") if on else ""
    place.remote.put({"apps/web.yaml": MANIFEST.replace("spec:", f"{there}spec:", 1).encode()})
    before, tip = place.text(), place.remote.tip()
    policies = ("nginx=minor",) if command[0] == "policy" else ()
    call = (*command, NAME, *policies, "-m", "As #17 says", "--user", "Jane <jane@example.org>")

    tried = place.call(*call, "--dry-run")

    assert (tried.code, place.remote.tip(), place.text()) == (4, tip, before)
    assert tried.out.startswith("--- a/apps/web.yaml\n+++ b/apps/web.yaml\n")
    done = place.call(*call)
    assert (done.code, place.commit("%P|%an <%ae>|%s")) == (
        0,
        f"{tip}|Jane <jane@example.org>|As #17 says",
    )
    assert place.text() != before
    assert on is None or place.text() == MANIFEST


def test_a_dry_run_prints_a_diff_that_git_applies_and_pushes_nothing(place: Place) -> None:
    tip = place.remote.tip()

    done = place.call("automate", NAME, "--dry-run")

    assert (done.code, done.err) == (4, "")
    assert done.out == (
        "--- a/apps/web.yaml\n+++ b/apps/web.yaml\n@@ -3,6 +3,8 @@\n metadata:\n"
        "   name: nginx # the shop\n   namespace: web\n+  annotations:\n"
        '+    fluxcd.io/automated: "true"\n spec:\n   template:\n     spec:\n'
    )
    assert place.remote.tip() == tip


def test_the_document_holds_the_same(place: Place) -> None:
    dry = place.call("automate", NAME, "--dry-run", "-o", "json")
    done = place.call("automate", NAME, "-o", "json")
    again = place.call("automate", NAME, "-o", "json")

    assert undocumented(done.json) == set()
    assert (dry.code, dry.json["exitCode"], dry.json["pushed"]) == (4, 4, None)
    assert dry.json["dryRun"] is True
    assert done.json["pushed"] == f"main@sha1:{place.remote.tip()}"
    assert done.json["updates"] == [
        {"annotation": "fluxcd.io/automated", "from": None, "to": "true"}
    ]
    assert (done.json["version"], done.json["status"], done.json["path"]) == (
        1,
        "success",
        "apps/web.yaml",
    )
    assert (again.code, again.json["status"], again.json["updates"]) == (0, "skipped", [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("automate", "web:deployment/ngnix"),
            "there is no workload 'web:deployment/ngnix'; did you mean 'web:deployment/nginx'?",
            id="workload",
        ),
        pytest.param(
            ("policy", "set", NAME, "ngin=minor"),
            "web:deployment/nginx has no container 'ngin'; did you mean 'nginx'?",
            id="container",
        ),
        pytest.param(
            ("policy", "set", NAME, "nginx=semver", "side", "a=minor", "a=major"),
            "invalid policy 'semver': it has no constraint; write 'semver:CONSTRAINT'\n"
            "reconcile: 'side' is no CONTAINER=POLICY\n"
            "reconcile: container 'a' is given two policies",
            id="policies",
        ),
        pytest.param(
            ("policy", "set", NAME, "nginx=regexp:(", "*=glob:a/b"),
            "invalid policy 'regexp:(': is no regular expression of RE2: missing ): (\n"
            "reconcile: invalid policy 'glob:a/b': no tag has '/', and a glob knows only '*' and "
            "'?'; write 'regexp:RE'",
            id="patterns",
        ),
        pytest.param(("lock", NAME, "-m", " "), "--message is empty", id="message"),
        pytest.param(
            ("lock", NAME, "-m", "a\nReconcile-By: default@-"),
            "--message has a line that stands for our own commits: 'Reconcile-…:'",
            id="trailer",
        ),
        pytest.param(
            ("lock", NAME, "--user", "<a@b>"),
            "--user '<a@b>' is no author: write NAME or 'NAME <ADDRESS>'",
            id="user",
        ),
        pytest.param(
            ("lock", NAME, "--user", "a\nb"), "'a\\nb' cannot be the author of a commit", id="lines"
        ),
    ],
)
def test_wrong_input_is_told_and_changes_nothing(
    place: Place, arguments: tuple[str, ...], message: str
) -> None:
    tip = place.remote.tip()

    done = place.call(*arguments)

    assert (done.code, done.out, done.err) == (2, "", f"reconcile: {message}\n")
    assert place.remote.tip() == tip


def test_what_hides_a_workload_is_told_before_it_is_said_to_be_missing(place: Place) -> None:
    place.remote.put({"apps/web.yaml": f"{MANIFEST}broken: [\n".encode()})

    done = place.call("automate", NAME, "--git-path", "apps", "--git-path", "ap")

    assert done.code == 2
    folder, file, missing = done.err.splitlines()
    assert folder.startswith("error: ap: no such folder at main@")
    assert re.match(r"error: apps/web.yaml:1\d: is no valid YAML: ", file)
    assert missing == f"reconcile: there is no workload {NAME!r}: no manifest has one"


def test_what_cannot_be_edited_exactly_is_refused_with_its_place(place: Place) -> None:
    text = AUTOMATED.replace("annotations:", "annotations: &all")
    place.remote.put({"apps/web.yaml": text.encode()})

    done = place.call("lock", NAME)

    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "reconcile: apps/web.yaml:6: its annotations cannot be edited: annotations is an alias, "
        "or has an anchor or a tag\n"
    )


def test_a_hook_that_declines_is_told_in_its_own_words(place: Place) -> None:
    hook = place.remote.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the freeze is on' >&2\nexit 1\n")
    hook.chmod(0o755)

    done = place.call("automate", NAME)

    assert done.code == 3
    assert "the freeze is on" in done.err
    assert place.text() == MANIFEST

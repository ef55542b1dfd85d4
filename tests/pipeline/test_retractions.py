"""Who took a tag back is looked for in Git, and a look that fails leaves the rest as it was."""

from collections.abc import Sequence

import pytest
import structlog

from reconciler.core.history import Write
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind
from reconciler.core.revision import Revision
from reconciler.errors import GitError, StoppedError
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.read import read
from reconciler.pipeline.retractions import MOST_TOUCHES, find_retractions, name_retractions
from tests.fakes.git import FakeFile, FakeGit

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web, annotations: {{fluxcd.io/automated: "true"}}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "r.example/web:{tag}"}}]}}}}}}
"""
WROTE = "Reconcile-Image: {path} web:deployment/web web r.example/web:v3 r.example/web:v4"


def put(git: FakeGit, tag: str, message: str, *paths: str) -> str:
    return git.put({path: MANIFEST.format(tag=tag).encode() for path in paths}, message)


def update(git: FakeGit, *paths: str) -> str:
    lines = "\n".join(WROTE.format(path=path) for path in paths)
    return put(git, "v4", f"Update\n\n{lines}\n", *paths)


def reports(git: FakeGit) -> tuple[Revision, Sequence[FileReport]]:
    view = read(git, paths=(), default_namespace="default", memory=Memory(is_survey=True))
    return view.revision, view.reports


def said(git: FakeGit) -> list[str]:
    revision, found = reports(git)
    named = name_retractions(git, revision, found, policies=found, default_namespace="default")
    return [field.rules.taken_back.reason_of("v4") for each in named for field in each.fields]


def writes(git: FakeGit) -> list[Write]:
    revision, _ = reports(git)
    return list(git.history(revision).writes)


def test_each_file_is_told_by_its_own_commit() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml", "b.yaml", "c.yaml")
    ours = update(git, "a.yaml", "b.yaml")
    back = [put(git, "v3", f"back {path}", path) for path in ("a.yaml", "b.yaml")]

    by = "a (2026-01-01)"
    assert said(git) == [
        f"was taken back in {back[0][:7]} by {by}: back a.yaml; we wrote it in {ours[:7]}",
        f"was taken back in {back[1][:7]} by {by}: back b.yaml; we wrote it in {ours[:7]}",
        "was taken back",  # nothing was
    ]


def test_without_anything_taken_back_git_is_not_asked() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    revision, found = reports(git)
    git.failures["touches"] = [GitError("must not be asked")]

    named = name_retractions(git, revision, found, policies=found, default_namespace="default")
    nothing = find_retractions(git, revision, [], policies=found, default_namespace="default")

    assert (named, nothing) == (list(found), {})


@pytest.mark.parametrize("method", ["touches", "read"])
def test_a_look_that_fails_leaves_what_is_known(method: str) -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    ours = update(git, "a.yaml")
    put(git, "v3", "back", "a.yaml")
    revision, found = reports(git)
    git.failures[method] = [GitError("the remote is away")]

    with structlog.testing.capture_logs() as logs:
        (named,) = name_retractions(
            git, revision, found, policies=found, default_namespace="default"
        )

    taken_back = named.fields[0].rules.taken_back
    assert taken_back.reason_of("v4") == f"was taken back: {ours[:7]} wrote it"
    assert [each["problem"] for each in logs] == ["the remote is away"]


def test_who_is_asked_to_end_ends() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    put(git, "v3", "back", "a.yaml")
    revision, found = reports(git)
    git.failures["touches"] = [StoppedError("asked to end")]

    with pytest.raises(StoppedError):
        name_retractions(git, revision, found, policies=found, default_namespace="default")


def test_what_is_further_back_than_the_newest_commits_of_the_file_is_not_found() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    put(git, "v3", "back", "a.yaml")
    for number in range(MOST_TOUCHES):
        git.put({"a.yaml": (MANIFEST.format(tag="v3") + f"# {number}\n").encode()})

    assert said(git)[0].startswith("was taken back: ")


def test_contents_that_are_no_manifests_of_ours_do_no_harm() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    git.put({"a.yaml": b"\xff"}, "broken")
    git.put({"a.yaml": b" " * (MAX_FILE_BYTES + 1)}, "large")
    put(git, "v3", "back", "a.yaml")

    (found,) = find_retractions(
        git, Revision("main", git.tip), writes(git), policies=(), default_namespace="default"
    ).values()

    assert found.subject == "broken"


def test_what_was_a_submodule_for_a_while_does_no_harm() -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    git.put({"a.yaml": FakeFile(b"", EntryKind.SUBMODULE)}, "a module")
    put(git, "v3", "back", "a.yaml")

    (found,) = find_retractions(
        git, Revision("main", git.tip), writes(git), policies=(), default_namespace="default"
    ).values()

    assert found.subject == "a module"


def test_no_commit_is_named_beyond_the_contents_that_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git = FakeGit()
    put(git, "v3", "first", "a.yaml")
    update(git, "a.yaml")
    more = MANIFEST.format(tag="v4") + "# more\n"
    git.put({"a.yaml": more.encode()}, "more")
    put(git, "v4", "less", "a.yaml")
    put(git, "v3", "back", "a.yaml")
    size = len(MANIFEST.format(tag="v4"))

    for most, expected in ((2 * size, " in "), (size, ": "), (0, ": ")):
        monkeypatch.setattr("reconciler.pipeline.retractions._MOST_CHARACTERS", most)

        assert said(git)[0].startswith(f"was taken back{expected}")

"""Annotating over a remote that others push to and that can be difficult."""

import pytest

from reconciler.core.annotation_message import AnnotationChange
from reconciler.core.manifests.wishes import automate
from reconciler.errors import GitError, NotFoundError, RefusedError, RemoteMovedError
from reconciler.pipeline.annotate import Annotation, annotate
from reconciler.pipeline.by_hand import Done, Order, look
from reconciler.pipeline.events import Event
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeGit
from tests.fakes.registry import FakeRegistries

NAME = "web:deployment/nginx"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
  namespace: web
spec:
  template:
    spec:
      containers:
      - {name: nginx, image: nginx:v3}
"""
AUTOMATED = MANIFEST.replace(
    "namespace: web\n", 'namespace: web\n  annotations:\n    fluxcd.io/automated: "true"\n'
)


class Silence:
    """Hears nothing."""

    def tell(self, event: Event) -> None:
        """Take no note."""


def remote(text: str = MANIFEST) -> FakeGit:
    git = FakeGit()
    git.put({"web.yaml": text.encode()})
    return git


def run(git: FakeGit, *paths: str, is_dry_run: bool = False) -> Done[AnnotationChange]:
    source = SourceSettings(
        name="default", git=GitSettings(git.url), sync=SyncSettings(), paths=paths, is_synced=False
    )
    parts = Parts(
        repository=git,
        registries=FakeRegistries({}),
        cluster=None,
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=Silence(),
    )
    order = Order(NAME, is_dry_run=is_dry_run)
    return annotate([look(source, parts, order)], order, Annotation("Automate", automate))


def test_one_commit_has_the_edit_and_a_message_without_trailers() -> None:
    git = remote()

    done = run(git)

    assert git.files() == {"web.yaml": AUTOMATED.encode()}
    assert done.pushed is not None
    assert git.pushes == [done.pushed.commit]
    assert git.log()[0] == f"Automate {NAME}\n\n{NAME} fluxcd.io/automated: true\n"


def test_what_is_so_already_is_not_committed() -> None:
    git = remote(AUTOMATED)

    done = run(git)

    assert (done.changes, done.pushed, done.diff, git.pushes) == ((), None, "", [])


def test_a_dry_run_pushes_nothing_and_has_the_diff() -> None:
    git = remote()

    done = run(git, is_dry_run=True)

    assert '+    fluxcd.io/automated: "true"\n' in done.diff
    assert git.pushes == []


def test_somebody_else_s_push_is_kept_and_the_edit_made_on_top() -> None:
    git = remote()
    longer = MANIFEST.replace("v3", "v4")
    git.others_push = [{"web.yaml": longer.encode()}, {"other.yaml": b"a: b\n"}]

    run(git)

    expected = AUTOMATED.replace("v3", "v4").encode()
    assert git.files() == {"web.yaml": expected, "other.yaml": b"a: b\n"}
    assert len(git.pushes) == 1


def test_somebody_else_s_same_edit_ends_it_without_a_second_commit() -> None:
    git = remote()
    git.others_push = [{"web.yaml": AUTOMATED.encode()}]

    done = run(git)

    assert (done.pushed, git.pushes) == (None, [])


def test_a_push_whose_answer_is_lost_is_found_by_fetching() -> None:
    git = remote()
    git.lost_answers = 1

    done = run(git)

    assert done.pushed is not None
    assert git.tip == done.pushed.commit


def test_a_remote_that_declines_or_always_moves_is_told() -> None:
    git = remote()
    git.failures["push"] = [RefusedError("a hook says no")]
    with pytest.raises(RefusedError, match="a hook says no"):
        run(git)

    git.failures["push"] = [RemoteMovedError("moved")] * 10
    with pytest.raises(RemoteMovedError):
        run(git)

    git.failures["push"] = [GitError("broken")]
    with pytest.raises(GitError, match="broken"):
        run(git)
    assert git.pushes == []


def test_a_workload_in_two_folders_is_an_error_that_names_both_until_one_is_chosen() -> None:
    git = FakeGit()
    git.put({"a/web.yaml": MANIFEST.encode(), "b/web.yaml": f"# b\n---\n{MANIFEST}".encode()})

    with pytest.raises(NotFoundError) as caught:
        run(git)
    assert str(caught.value) == (
        f"{NAME!r} stands in several places: a/web.yaml:1 and b/web.yaml:3; choose by --git-path"
    )

    run(git, "b")
    assert git.files()["a/web.yaml"] == MANIFEST.encode()
    assert git.files()["b/web.yaml"] == f"# b\n---\n{AUTOMATED}".encode()


def test_a_name_that_is_written_with_escapes_is_found_all_the_same() -> None:
    text = MANIFEST.replace("name: nginx\n  ", 'name: "n\\x67inx"\n  ')

    assert run(remote(text)).pushed is not None

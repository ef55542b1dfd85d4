"""A long history of which little is known: what was taken back far behind is found all the same."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.manifests.images import SkipReason
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline import cycle
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistries

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web, annotations: {{fluxcd.io/automated: "true"}}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "r.example/web:{tag}"}}]}}}}}}
"""
OURS = """\
Update web to v4

Reconcile-Image: web.yaml web:deployment/web web r.example/web:v3 r.example/web:v4
Reconcile-By: default@-
"""
COMMITS, WRITTEN, BACK = 3000, 2490, 2500


class Silent:
    def tell(self, event: object) -> None:
        del event


def commit(number: int, message: str, files: Mapping[str, str]) -> str:
    lines = [
        (
            f"commit refs/heads/main\nmark :{number}\n"
            f"committer A Person <person@example.org> {1_700_000_000 + 60 * number} +0000\n"
            f"data {len(message)}\n{message}\n"
        )
    ]
    lines += [f"M 100644 inline {path}\ndata {len(it)}\n{it}\n" for path, it in files.items()]
    return "".join(lines)


@pytest.fixture
def remote(tmp_path: Path) -> BareRemote:
    """A remote of 3,000 commits; 510 back we wrote v4, and 500 back somebody took it back."""
    images = {1: "v3", WRITTEN: "v4", BACK: "v3"}
    messages = {WRITTEN: OURS, BACK: 'Revert "Update web to v4"'}
    stream = []
    for number in range(1, COMMITS + 1):
        files = {f"{number % 50}/{number % 500}": f"{number}"}
        if number in images:
            files["web.yaml"] = MANIFEST.format(tag=images[number])
        stream.append(commit(number, messages.get(number, f"{number}"), files))
    remote = BareRemote.create(tmp_path / "remote.git")
    git(remote.path, "fast-import", "--quiet", stdin="".join(stream).encode())
    return remote


def run(remote: BareRemote, folder: Path, *, history: int) -> CycleOutcome:
    settings = GitSettings(f"file://{remote.path}", history=history)
    parts = Parts(
        repository=GitRepository(settings, folder),
        registries=FakeRegistries({"r.example/web": ["v3", "v4"]}),
        cluster=None,
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=Silent(),
    )
    source = SourceSettings(name="default", git=settings, sync=SyncSettings(), is_synced=False)
    return cycle.run(source, parts)


def known(folder: Path) -> int:
    return int(git(folder / "clone.git", "rev-list", "--count", "refs/remotes/origin/main"))


def test_a_tag_that_was_taken_back_before_the_known_history_is_not_chosen_again(
    remote: BareRemote, tmp_path: Path
) -> None:
    outcome = run(remote, tmp_path / "data", history=100)

    assert [(each.reason, each.detail.split(":")[0]) for each in outcome.skips] == [
        (SkipReason.TAKEN_BACK, "v4 was taken back")
    ]
    assert known(tmp_path / "data") == 1000

    assert run(remote, tmp_path / "data", history=100).changes == ()
    assert known(tmp_path / "data") == 1000


def test_no_more_is_fetched_than_is_needed_or_permitted(remote: BareRemote, tmp_path: Path) -> None:
    enough = run(remote, tmp_path / "enough", history=150)
    short = run(remote, tmp_path / "short", history=30)

    assert enough.changes == ()
    assert known(tmp_path / "enough") == 600
    assert [str(each.new) for each in short.changes] == ["r.example/web:v4"]
    assert known(tmp_path / "short") == 301  # with our commit

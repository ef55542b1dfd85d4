"""A process that starts, with a real clone and a real database."""

from pathlib import Path

from lab.bare_repository import BareRemote, git
from reconciler.adapters.cache.readings import ReadingFile
from reconciler.adapters.git.repository import GitRepository
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.read import Reader
from reconciler.pipeline.view import View
from reconciler.settings import GitSettings

DEPLOYMENT = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [{name: web, image: "r.example/web:v3"}]}}}
"""


def view_of_a_new_process(remote: BareRemote, folder: Path, clone: str) -> View:
    """Read a branch by a clone that may be there; the database is the same for all."""
    repository = GitRepository(GitSettings(url=f"file://{remote.path}"), folder / clone)
    memory = Memory(store=ReadingFile(folder / "readings"))
    return Reader(repository, (), "default", memory).read()


def contents_in(clone: Path) -> int:
    """Return how many contents a clone has."""
    listed = git(clone, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    return listed.split("\n").count("blob")


def test_contents_that_are_known_are_not_even_fetched(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"web.yaml": DEPLOYMENT, "a.yaml": b"a: 1\n", "moved.yaml": b"b: 1\n"})
    first = view_of_a_new_process(remote, tmp_path, "one")
    remote.put({"moved.yaml": None, "here.yaml": b"b: 1\n", "new.yaml": b"c: 1\n"})

    second = view_of_a_new_process(remote, tmp_path, "two")

    assert contents_in(tmp_path / "one" / "clone.git") == 3
    assert contents_in(tmp_path / "two" / "clone.git") == 1
    assert first.recalled == frozenset()
    assert second.recalled == {"web.yaml", "a.yaml", "here.yaml"}
    assert [each.path for each in second.reports] == list(second.files)
    (field,) = (field for report in second.reports for field in report.fields)
    assert (field.where, field.text) == ("web.yaml:4", "r.example/web:v3")

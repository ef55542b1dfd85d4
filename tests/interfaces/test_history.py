"""``reconcile history``, as a user meets it: what moved, and what a person took back."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.registry import Registry
from tests.interfaces.program import Done, program, undocumented

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: web, annotations: {{fluxcd.io/automated: "true"}}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "{host}/{path}:{tag}"}}]}}}}}}
"""

pytestmark = pytest.mark.registry


class Place:
    """A repository with a workload, and a registry with tags for it."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.path = f"{folder.name.replace('_', '-').lower()}/web"  # a test's own
        registry.push(self.path, "v3", "v4")
        self.remote = BareRemote.create(folder / "web.git")
        self.put("v3", "first")

    def put(self, tag: str, message: str, name: str = "web") -> str:
        text = DEPLOYMENT.format(name=name, host=self.registry.host, path=self.path, tag=tag)
        self.remote.put({f"{name}.yaml": text.encode()}, message)
        return self.remote.tip()

    def call(self, *arguments: str) -> Done:
        settings = ("--git-url", f"file://{self.remote.path}", "--data-dir", f"{self.folder}/data")
        return program(*settings, *arguments, env={"COLUMNS": "250"})

    def cycle(self) -> str:
        done = self.call("--once", "--no-sync")
        assert done.code == 0, done.err
        return self.remote.tip()


@pytest.fixture
def place(tmp_path: Path, anonymous_registry: Registry) -> Place:
    return Place(tmp_path, anonymous_registry)


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_what_moved_and_what_was_taken_back(place: Place) -> None:
    fourth = place.cycle()
    back = place.put("v3", 'Revert "Update web to v4"')
    assert place.cycle() == place.remote.tip()
    held = place.call("images")
    place.registry.push(place.path, "v5")
    fifth = place.cycle()

    done = place.call("history")

    assert "TAKEN" not in held.out
    assert f"v4 was taken back in {back[:7]} by A Person (20" in held.out
    assert f'): Revert "Update web to v4"; we wrote it in {fourth[:7]}\n' in held.out
    assert (done.code, done.err) == (0, "")
    image = f"{place.registry.host}/{place.path}"
    header, first, second = lines(done.out)
    assert header == ["DATE", "COMMIT", "WORKLOAD", "CONTAINER", "CHANGE", "BY", "NOW"]
    row = ["web:deployment/web", "web", f"{image}:v3", "->"]
    assert first[2:] == [fifth[:7], *row, "v5", "default@-", "stands", "there"]
    assert second[2:] == [
        fourth[:7],
        *row,
        "v4",
        "default@-",
        *f"taken back in {back[:7]} by A Person".split(),
    ]


def test_explain_names_the_commit_that_took_a_tag_back(place: Place) -> None:
    fourth = place.cycle()
    back = place.put("v3", "back")
    place.remote.put({"other": b"1"}, "something else")

    done = place.call("explain", "deployment/web")

    assert [line for line in done.out.splitlines() if line.strip().startswith("v4")]
    assert f"was taken back in {back[:7]} by A Person (" in done.out
    assert f"): back; we wrote it in {fourth[:7]}\n" in done.out


def test_the_document_names_who_took_a_tag_back(place: Place) -> None:
    place.cycle()
    back = place.put("v3", "back\n\nfor a reason\n")

    (write,) = place.call("history", "-o", "json").json["sources"][0]["writes"]

    by = write["takenBackBy"]
    assert write["standing"] == "TAKEN_BACK"
    assert (by["commit"], by["author"], by["subject"]) == (back, "A Person", "back")


def test_a_write_and_its_revert_beyond_the_first_parents_name_the_merge(place: Place) -> None:
    fourth = place.cycle()
    work = place.folder / "work"
    git(place.folder, "clone", "--quiet", str(place.remote.path), str(work))
    git(work, "checkout", "--quiet", "-b", "back")
    git(work, "revert", "--no-edit", "HEAD")
    git(work, "checkout", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "-m", "Merge branch 'back'", "back")
    git(work, "push", "--quiet")

    done = place.call("explain", "deployment/web")

    assert f"back in {place.remote.tip()[:7]} by A Person" in done.out
    assert f"): Merge branch 'back'; we wrote it in {fourth[:7]}\n" in done.out


def test_the_document_holds_the_same_also_of_a_workload_that_is_gone(place: Place) -> None:
    place.put("v3", "another", name="gone")
    tip = place.cycle()
    place.remote.put({"gone.yaml": None}, "it goes")

    done = place.call("history", "web:deployment/gone", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert undocumented(done.json) == set()
    (source,) = done.json["sources"]
    assert (done.json["version"], source["since"]) == (1, None)
    (write,) = source["writes"]
    image = f"{place.registry.host}/{place.path}"
    assert {key: write[key] for key in write if key != "at"} == {
        "commit": tip,
        "author": "reconcile <reconcile@localhost>",
        "by": "default@-",
        "path": "gone.yaml",
        "workload": "web:deployment/gone",
        "container": "web",
        "old": f"{image}:v3",
        "new": f"{image}:v4",
        "standing": "GONE",
        "takenBackBy": None,
    }


def test_one_workload_may_be_named_shortly_and_a_slip_is_told(place: Place) -> None:
    place.put("v3", "another", name="other")
    place.cycle()

    one = place.call("history", "deploy/web")
    slip = place.call("history", "deploy/wbe")

    assert [line[4] for line in lines(one.out)[1:]] == ["web"]
    assert len(lines(one.out)) == 2
    assert slip.code == 2
    assert "there is no workload 'deploy/wbe'" in slip.err


def test_without_a_commit_of_ours_that_is_said(place: Place) -> None:
    done = place.call("history")

    assert (done.code, done.out) == (0, "")
    assert done.err == "reconcile: no commit here wrote an image\n"


def test_where_the_known_history_ends_is_said_where_it_matters(place: Place) -> None:
    place.cycle()
    for number in range(12):
        place.remote.put({"other": b"%d" % number})

    elsewhere = ("--data-dir", f"{place.folder}/other", "--git-history", "1")
    done = place.call("history", *elsewhere)
    newest = place.call("explain", "deployment/web", *elsewhere)
    place.registry.push(place.path, "v5")
    explained = place.call("explain", "deployment/web", *elsewhere)

    assert done.out == ""
    assert "known since" not in newest.out
    assert "update to v5" in explained.out
    assert "history  known since 20" in explained.out
    assert "history known since 20" in done.err
    assert ": --git-history reads more of it, up to 100,000 images\n" in done.err


def test_for_one_workload_the_history_is_looked_further_back_in(place: Place) -> None:
    fourth = place.cycle()
    for number in range(7):
        place.remote.put({"other": b"%d" % number})

    elsewhere = ("--data-dir", f"{place.folder}/other", "--git-history", "1")
    before = place.call("history", *elsewhere)
    done = place.call("history", "deployment/web", *elsewhere)

    assert before.out == ""
    assert [line[2] for line in lines(done.out)[1:]] == [fourth[:7]]


def test_a_branch_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    done = program(
        "history", "--git-url", str(tmp_path / "nowhere"), "--data-dir", str(tmp_path / "data")
    )

    assert done.code == 3
    assert done.err.startswith("error: ")

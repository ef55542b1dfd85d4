"""What an earlier process read is not read again, and never edited without being read."""

import random

import pytest

from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.reading import Terms, reading_of
from reconciler.core.manifests.tree import TreeEntry
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import GitError, ManifestError
from reconciler.pipeline import cycle
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.read import Reader, read
from reconciler.pipeline.survey import inspect_source
from reconciler.pipeline.view import View
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeFile, FakeGit
from tests.fakes.readings import FakeReadings
from tests.fakes.registry import FakeRegistries

TERMS = Terms("default")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: web
  annotations: {{fluxcd.io/automated: "true"}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "r.example/{name}:{tag}"}}]}}}}}}
"""
SERVICE = b"apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
MARKED = b'image: r.example/web:v3  # {"$imagepolicy": "flux:web"}\n'
POLICIES = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux}
spec: {imageRepositoryRef: {name: web}, policy: {alphabetical: {order: asc}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux}
spec: {image: r.example/web}
"""


class Silent:
    def tell(self, event: object) -> None:
        del event


def deployment(name: str = "web", tag: str = "v3") -> bytes:
    return DEPLOYMENT.format(name=name, tag=tag).encode()


def process(git: FakeGit, store: FakeReadings, *listed: str, dry_run: bool = False) -> CycleOutcome:
    """Run one cycle of a process that knows nothing but what the store keeps."""
    git.reads.clear()
    source = SourceSettings(
        name="default",
        git=GitSettings(url=git.url),
        sync=SyncSettings(dry_run=dry_run),
        is_synced=False,
    )
    return cycle.run(source, parts(git, store, *listed))


def parts(git: FakeGit, store: FakeReadings, *listed: str) -> Parts:
    tags = {f"r.example/{name}": listed or ("v3",) for name in ("web", "api")}
    return Parts(
        repository=git,
        registries=FakeRegistries(tags),
        cluster=None,
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=Silent(),
        memory=Memory(store=store),
    )


@pytest.fixture
def git() -> FakeGit:
    git = FakeGit()
    git.put({"api.yaml": deployment("api"), "service.yaml": SERVICE, "web.yaml": deployment()})
    return git


def entry(git: FakeGit, path: str) -> TreeEntry:
    (found,) = (each for each in git.fetch().entries if each.path == path)
    return found


def lie(git: FakeGit, store: FakeReadings, path: str, text: str) -> None:
    """Have the store say of a content what another one says."""
    store.kept[entry(git, path), TERMS] = reading_of(path, text, TERMS)


def test_a_process_that_finds_nothing_new_reads_no_content(git: FakeGit) -> None:
    store = FakeReadings()
    first = process(git, store)
    assert git.reads == ["api.yaml", "service.yaml", "web.yaml"]

    second = process(git, store)

    assert git.reads == []
    assert [str(each) for each in second.skips] == [str(each) for each in first.skips]
    assert store.saves == ["api.yaml", "service.yaml", "web.yaml"]


def test_only_contents_that_nobody_has_seen_are_read(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    git.put({"web.yaml": deployment(tag="v2"), "new.yaml": b"a: 1\n"})

    assert not process(git, store, "v2", "v3").problems

    assert git.reads == ["new.yaml", "web.yaml"]
    assert b"web:v3" in git.files()["web.yaml"]


def test_what_is_edited_is_read_and_nothing_else(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    git.put({"api.yaml": deployment("api", "v9")})
    process(git, store)

    outcome = process(git, store, "v3", "v4")

    assert [each.field.path for each in outcome.changes] == ["web.yaml"]
    assert git.reads == ["web.yaml"]
    assert git.files()["web.yaml"] == deployment(tag="v4")
    assert "-spec" in outcome.commit_diff


def test_a_dry_run_reads_what_it_would_edit(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)

    outcome = process(git, store, "v3", "v4", dry_run=True)

    assert git.reads == ["api.yaml", "web.yaml"]
    assert outcome.commit_diff.count("+++") == 2


def test_a_store_that_is_wrong_about_an_image_edits_nothing(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    old = DEPLOYMENT.format(name="web", tag="v1").replace("web:", "web :")  # at other offsets
    lie(git, store, "web.yaml", old.replace("web :", "web:") + "# and more\n")

    outcome = process(git, store, "v1", "v3")

    assert (outcome.changes, outcome.problems) == ((), ())
    assert git.reads == ["web.yaml"]
    assert git.pushes == []


def test_a_store_that_names_another_image_costs_one_more_question(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    lie(git, store, "web.yaml", DEPLOYMENT.format(name="api", tag="v1"))

    outcome = process(git, store, "v3", "v4")

    assert {str(each.new) for each in outcome.changes} == {"r.example/api:v4", "r.example/web:v4"}
    assert git.files()["web.yaml"] == deployment(tag="v4")


def test_with_a_marked_value_its_policy_is_read_too() -> None:
    git, store = FakeGit(), FakeReadings()
    git.put({"marked.yaml": MARKED, "policies.yaml": POLICIES.encode(), "service.yaml": SERVICE})
    process(git, store)
    lie(git, store, "policies.yaml", POLICIES.replace("asc", "desc"))

    outcome = process(git, store, "v1", "v3")  # by the policy that was kept, v1 is the newest

    assert git.reads == ["marked.yaml", "policies.yaml"]
    assert outcome.changes == ()
    assert process(git, store, "v3", "v4").changes


def test_a_content_that_cannot_be_read_when_it_is_to_be_edited_is_told(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    git.failures["read"] = [GitError("the disk is full")]

    outcome = process(git, store, "v3", "v4")

    assert [each.message for each in outcome.problems] == ["the disk is full"]
    assert process(git, store, "v3", "v4").pushed


def test_why_a_file_cannot_be_read_is_told_by_each_process() -> None:
    git, store = FakeGit(), FakeReadings()
    git.put({"bad.yaml": b"\xff\n", "ill.yaml": b"reconcile: [\napiVersion: v1\n"})
    first = process(git, store)

    second = process(git, store)

    assert [str(each) for each in first.problems] == [str(each) for each in second.problems]
    assert len(first.problems) == 2
    assert git.reads == []


def test_a_store_that_is_wrong_about_a_text_holds_back_the_pruning() -> None:
    git, store, memory = FakeGit(), FakeReadings(), Memory()
    git.put({"a.yaml": SERVICE, "bad.yaml": b"\xff\n"})
    store.kept[entry(git, "bad.yaml"), TERMS] = FileReport("bad.yaml")
    memory = Memory(store=store)
    reader = Reader(git, (), "default", memory)

    view = reader.read()
    whole = reader.with_texts(view)

    assert view.problems == ()
    assert [str(each) for each in whole.problems] == ["bad.yaml:1: is not UTF-8"]
    assert list(whole.texts) == ["a.yaml"]
    assert reader.read() is whole


def test_texts_are_read_when_all_are_wanted_and_then_known(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    reader = Reader(git, (), "default", Memory(store=store))
    git.reads.clear()

    view = reader.read()
    assert (dict(view.texts), git.reads) == ({}, [])
    whole = reader.with_texts(view)

    assert list(whole.texts) == git.reads == ["api.yaml", "service.yaml", "web.yaml"]
    assert reader.with_texts(reader.read()) is whole
    assert len(git.reads) == 3


def test_to_read_anew_is_to_read_where_nothing_was_read(git: FakeGit) -> None:
    assert Reader(git, (), "default", Memory()).read_anew(["web.yaml"]).recalled == frozenset()


def test_a_survey_keeps_its_own_readings(git: FakeGit) -> None:
    store = FakeReadings()
    process(git, store)
    source = SourceSettings(name="default", git=GitSettings(url=git.url), sync=SyncSettings())

    first = inspect_source(source, parts(git, store))
    store.saves.clear()
    second = inspect_source(source, parts(git, store))

    assert store.saves == []
    assert [each.path for each in first.reports] == [each.path for each in second.reports]
    assert second.workloads == first.workloads
    assert set(second.view.texts) == {"api.yaml", "service.yaml", "web.yaml"}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_pushed_a_view_is_that_of_a_process_without_a_store(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same steps each time
    git, store, running = FakeGit(), FakeReadings(), Memory()
    contents = [
        deployment(), deployment("api"), SERVICE, b"\xff\n", b"reconcile: [\n", MARKED,
        POLICIES.encode(), POLICIES.replace("asc", "desc").encode(),
    ]  # fmt: skip
    overlay = b"resources: [b.yaml]\nimages: [{name: r.example/web, newTag: v9}]\n"
    for _ in range(12):
        tree: dict[str, bytes | FakeFile | None] = dict.fromkeys(git.files() if git.tip else ())
        for path in chance.sample(["a.yaml", "b.yaml", "c.yaml", "d/e.yaml"], k=3):
            tree[path] = chance.choice(contents)
        tree["kustomization.yaml"] = chance.choice([overlay, b"resources: [b.yaml]\n"])
        git.put(tree)
        fresh = read(git, paths=(), default_namespace="default", memory=Memory())
        next_process = Memory(store=store)
        for memory in (running, next_process):
            found = read(git, paths=(), default_namespace="default", memory=memory)
            assert told(found) == told(fresh)


def told(view: View) -> tuple[object, ...]:
    fields = [
        (each.where, each.text, each.rules, each.obstacle, each.written.scalars[0].start)
        for report in view.reports
        for each in report.fields
    ]
    problems = [each for report in view.reports for each in report.problems]
    errors = [(type(each), str(each)) for each in (*view.problems, *problems)]
    assert all(isinstance(each, ManifestError) for each in problems)
    return (view.revision, list(view.texts.items()), list(view.files), fields, errors)

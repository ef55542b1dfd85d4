from reconciler.pipeline.memory import Memory
from reconciler.pipeline.read import Reader, read
from reconciler.pipeline.view import View
from tests.fakes.git import FakeGit
from tests.fakes.readings import FakeReadings

SERVICE = b"apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"


def _read(repository: FakeGit, memory: Memory) -> View:
    repository.reads.clear()
    return read(repository, paths=(), default_namespace="default", memory=memory)


def test_contents_that_are_known_are_not_read_again() -> None:
    repository, memory = FakeGit(), Memory()
    repository.put({".sourceignore": b"b.yaml\n", "a.yaml": SERVICE, "c.yaml": b"old: 1\n"})
    first = _read(repository, memory)
    repository.put({"c.yaml": b"new: 1\n"})

    second = _read(repository, memory)

    assert repository.reads == ["c.yaml"]
    assert first.texts == {"a.yaml": SERVICE.decode(), "c.yaml": "old: 1\n"}
    assert second.texts == {"a.yaml": SERVICE.decode(), "c.yaml": "new: 1\n"}
    assert second.reports[0] is first.reports[0]


def test_what_is_remembered_is_what_a_fresh_reader_finds() -> None:
    repository, memory = FakeGit(), Memory()
    repository.put({"a.yaml": SERVICE, "b.yaml": b"b: 1\n", "bad.yaml": b"\xff\n"})
    tips = [
        repository.put({"a.yaml": b"\xff\n", ".sourceignore": b"b.yaml\n"}),
        repository.put({"a.yaml": b"b: 1\n", "b.yaml": SERVICE, ".sourceignore": b"\xff\n"}),
        repository.put({"a.yaml": None, "b.yaml": b"b: 1\n", ".sourceignore": None}),
        repository.put({"a.yaml": SERVICE}),
    ]

    for tip in [*tips, *reversed(tips), *tips]:
        repository.tip = tip
        remembered, fresh = _read(repository, memory), _read(repository, Memory())
        assert list(remembered.texts.items()) == list(fresh.texts.items())
        assert list(map(str, remembered.problems)) == list(map(str, fresh.problems))


def test_a_file_that_was_gone_is_read_when_it_comes_back() -> None:
    repository, memory = FakeGit(), Memory()
    with_both = repository.put({"a.yaml": SERVICE, "b.yaml": SERVICE})
    without = repository.put({"b.yaml": None})

    for tip, reads in ((with_both, ["a.yaml", "b.yaml"]), (without, []), (with_both, ["b.yaml"])):
        repository.tip = tip
        _read(repository, memory)
        assert repository.reads == reads


def test_a_branch_that_has_not_moved_is_not_looked_at_again() -> None:
    repository, memory = FakeGit(), Memory()
    repository.put({"a.yaml": SERVICE})
    first = _read(repository, memory)

    assert _read(repository, memory) is first
    repository.put({"a.yaml": SERVICE}, "the same files in another commit")
    assert _read(repository, memory).revision != first.revision


def test_a_pointer_of_lfs_is_said_to_be_one() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    repository = FakeGit()
    repository.put({"a.yaml": pointer, "b.yaml": SERVICE, "c.txt": pointer})

    view = _read(repository, Memory())

    assert view.texts == {"b.yaml": SERVICE.decode()}
    (problem,) = view.problems
    assert problem.where == "a.yaml"
    assert "is a pointer of Git LFS" in problem.message


def test_a_patch_in_a_file_is_known_whoever_read_it() -> None:
    repository, store = FakeGit(), FakeReadings()
    deployment = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [{name: web, image: "r.example/web:v1"}]}}}
"""
    kustomization = b"resources: [app.yaml]\npatches: [{path: patch.yaml}]\n"
    repository.put({
        "app.yaml": deployment,
        "kustomization.yaml": kustomization,
        "patch.yaml": deployment.replace(b'v1"', b'v9"').replace(b"fluxcd.io", b"x"),
    })  # fmt: skip

    for memory in (Memory(store=store), Memory(store=store)):
        repository.reads.clear()
        view = Reader(repository, (), "default", memory).read()

        obstacles = [field.obstacle for report in view.reports for field in report.fields]
        assert [each and each.detail for each in obstacles] == ["is set in kustomization.yaml:2"]

    assert repository.reads == ["patch.yaml"]

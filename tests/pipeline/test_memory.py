from reconciler.core.build import build
from reconciler.pipeline.memory import Memory, PerFile

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"


def test_a_text_that_is_the_same_is_not_made_again() -> None:
    made: list[str] = []
    files = PerFile[int]()

    def make(path: str, text: str) -> int:
        made.append(path)
        return len(text)

    lengths = [files.made(path, text, make) for path, text in [("a", "1"), ("b", "1"), ("a", "1")]]

    assert lengths == [1, 1, 1]
    assert made == ["a", "b"]
    assert files.made("a", "22", make) == 2
    assert files.made("a", "1", make) == 1
    assert made == ["a", "b", "a", "a"]


def test_files_that_are_gone_are_forgotten() -> None:
    files = PerFile[object]()
    first = files.made("a", "1", lambda *_: object())

    files.keep({"b": ""})

    assert files.made("a", "1", lambda *_: object()) is not first


def test_a_remembered_build_is_what_a_fresh_one_is() -> None:
    memory = Memory()
    revisions = [
        {"a.yaml": SERVICE, "b.yaml": "a: [\n", "c.yaml": "apiVersion: v1\nkind: [\n"},
        {"a.yaml": SERVICE, "b.yaml": SERVICE.replace("web", "api")},
        {"b.yaml": SERVICE, "c/kustomization.yaml": "", "c/a.yaml": SERVICE},
        {},
    ]

    for texts in [*revisions, *reversed(revisions)]:
        remembered, fresh = memory.build(texts), build(texts)
        assert remembered.objects == fresh.objects
        assert list(map(str, remembered.problems)) == list(map(str, fresh.problems))


def test_objects_of_unchanged_files_are_the_very_same() -> None:
    memory = Memory()

    (first,) = memory.build({"a.yaml": SERVICE}).objects
    (second, _) = memory.build({"a.yaml": SERVICE, "b.yaml": SERVICE}).objects

    assert second is first

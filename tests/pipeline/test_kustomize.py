"""Kustomizations of a branch, built by the real kustomize, and not built again for nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.build import require
from reconciler.adapters.kustomize.program import KustomizeProgram
from reconciler.core.build import BuildResult
from reconciler.core.manifests.tree import EntryKind
from reconciler.errors import GitError, ReconcilerError, StoppedError, TransientError
from reconciler.pipeline import kustomize
from reconciler.pipeline.kustomize import Kustomizations
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.ports import Kustomize
from reconciler.pipeline.read import read
from tests.fakes.git import FakeFile, FakeGit

CONFIG_MAP = b"# ours\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
LIBRARY = CONFIG_MAP.replace(b"settings", b"shelves")
FILES = {
    "apps/base/kustomization.yaml": b"resources: [a.yaml]\n",
    "apps/base/a.yaml": CONFIG_MAP,
    "apps/prod/kustomization.yaml": b"""\
resources: [../base, ../../lib]
namePrefix: prod-
configMapGenerator: [{name: more, files: [notes.txt]}]
generatorOptions: {disableNameSuffixHash: true}
""",
    "apps/prod/notes.txt": b"first",
    "lib/kustomization.yaml": b"resources: [deeper]\n",
    "lib/deeper/kustomization.yml": b"resources: [b.yaml]\n",
    "lib/deeper/b.yaml": CONFIG_MAP.replace(b"settings", b"library"),
    "apps/plain.yaml": CONFIG_MAP.replace(b"settings", b"plain"),
    "other/huge.bin": b"x",
}


@dataclass
class Counting:
    """Counts what is built."""

    inner: Kustomize
    folders: list[str] = field(default_factory=list)
    failures: dict[str, ReconcilerError] = field(default_factory=dict)

    def build(self, files: Mapping[str, bytes], folder: str, *, is_secret: bool = False) -> str:
        self.folders.append(folder)
        if folder in self.failures:
            raise self.failures.pop(folder)
        return self.inner.build(files, folder, is_secret=is_secret)


@dataclass
class Source:
    """A branch with kustomizations, and what cycles remember of it."""

    git: FakeGit
    builder: Counting
    memory: Memory = field(default_factory=Memory)
    paths: tuple[str, ...] = ("apps",)

    def build(self, changed: Mapping[str, str] | None = None) -> BuildResult:
        view = read(self.git, paths=self.paths, default_namespace="default", memory=self.memory)
        texts = {**view.texts, **(changed or {})}
        built = Kustomizations(
            entries=view.entries,
            texts=texts,
            repository=self.git,
            kustomize=self.builder,
            memory=self.memory.kustomizations,
        ).build()
        return self.memory.build(texts, kustomized=built)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    git = FakeGit()
    git.put(FILES)
    program = KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))
    return Source(git, Counting(program))


def found(built: BuildResult) -> list[str]:
    assert not built.problems
    return [f"{each.origin} {each.key.name}" for each in built.objects]


def test_a_kustomization_is_built_from_all_that_it_loads(source: Source) -> None:
    assert found(source.build()) == [
        "lib/deeper/b.yaml:3 prod-library",
        "apps/prod/kustomization.yaml:1 prod-more",
        "apps/base/a.yaml:3 prod-settings",
        "apps/plain.yaml:3 plain",
    ]
    assert source.builder.folders == ["apps/prod"]
    assert "other/huge.bin" not in source.git.reads


def test_it_is_built_again_only_when_a_file_of_it_has_changed(source: Source) -> None:
    first = source.build()
    source.git.put({"other/huge.bin": b"y", "apps/plain.yaml": None})
    second = source.build()
    assert source.builder.folders == ["apps/prod"]
    assert second.objects == first.objects[:-1]

    for path, content in [("apps/prod/notes.txt", b"second"), ("lib/deeper/b.yaml", LIBRARY)]:
        source.git.put({path: content})
        source.build()
    assert source.builder.folders == ["apps/prod"] * 3

    source.git.put({"apps/test/kustomization.yaml": b"resources: [../base]\n"})
    source.build()
    assert source.builder.folders == [*["apps/prod"] * 3, "apps/test"]


def test_a_change_that_is_not_in_the_tree_yet_is_built(source: Source) -> None:
    source.build()
    text = FILES["apps/prod/kustomization.yaml"].decode().replace("prod-", "live-")

    built = source.build({"apps/prod/kustomization.yaml": text})

    assert "live-settings" in [each.key.name for each in built.objects]


def test_one_that_takes_too_long_leaves_the_rest_alone_and_is_built_the_next_time(
    source: Source,
) -> None:
    source.git.put({"apps/slow/kustomization.yaml": b"resources: [../base]\nnamePrefix: slow-\n"})
    late = TransientError("kustomize did not end within 120 s", where="apps/slow")
    source.builder.failures["apps/slow"] = late

    built = source.build()

    assert built.problems == (late,)
    assert len(built.objects) == 4
    assert len(source.build().objects) == 5


def test_a_stop_ends_all_builds(source: Source) -> None:
    source.builder.failures["apps/prod"] = StoppedError("this process was asked to end")

    with pytest.raises(StoppedError):
        source.build()


def test_what_cannot_be_built_leaves_the_rest_alone(source: Source) -> None:
    source.git.put(
        {
            "apps/broken/kustomization.yaml": b"resources: [gone.yaml]\n",
            "apps/far/kustomization.yaml": b"resources:\n- https://example.com/x.yaml\n",
        }
    )

    built = source.build()

    assert len(built.objects) == 4
    assert [each.where for each in built.problems] == [
        "apps/broken",
        "apps/far/kustomization.yaml:2",
    ]


def test_a_base_outside_the_paths_is_enough_to_build_upon(source: Source) -> None:
    source.paths = ("apps/prod",)

    assert len(found(source.build())) == 3


def test_a_link_is_not_followed(source: Source) -> None:
    source.git.put({"apps/prod/notes.txt": FakeFile(b"/etc/passwd", EntryKind.LINK)})

    (problem,) = source.build().problems

    assert "notes.txt" in str(problem)


def test_folders_beyond_reason_are_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "MAX_FILES", 5)
    (problem,) = source.build().problems
    assert str(problem) == (
        "apps/prod/kustomization.yaml: the folders from which it loads have 7 files; the limit is 5"
    )

    monkeypatch.setattr(kustomize, "MAX_FILES", 7)
    monkeypatch.setattr(kustomize, "MAX_BYTES", 100)
    (problem,) = source.build().problems
    assert str(problem).endswith("have more than 100 bytes")


def test_contents_that_cannot_be_had_are_not_taken_for_none(source: Source) -> None:
    source.build()
    source.git.put({"apps/prod/notes.txt": b"third"})
    view = read(source.git, paths=("apps",), default_namespace="d", memory=source.memory)
    source.git.failures["read"] = [GitError("gone")] * 2

    with pytest.raises(GitError):
        Kustomizations(
            entries=view.entries,
            texts=view.texts,
            repository=source.git,
            kustomize=source.builder,
            memory=source.memory.kustomizations,
        ).build()


def test_without_kustomizations_nothing_is_remembered(source: Source) -> None:
    source.build()
    source.git.put({path: None for path in FILES if "kustomization" in path})

    assert len(found(source.build())) == 2
    assert source.memory.kustomizations == type(source.memory.kustomizations)()

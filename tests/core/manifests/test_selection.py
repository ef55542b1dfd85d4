import pytest

from reconciler.core.manifests.selection import ManifestSelection, select_manifests
from reconciler.core.manifests.tree import EntryKind, TreeEntry


def selected(
    *paths: str, under: tuple[str, ...] = (), ignore: dict[str, str] | None = None
) -> ManifestSelection:
    entries = [
        TreeEntry(
            path.removesuffix("@"), EntryKind.LINK if path.endswith("@") else EntryKind.FILE, "0"
        )
        for path in paths
    ]
    return select_manifests(entries, paths=under, ignore_files=ignore or {})


def names(selection: ManifestSelection) -> list[str]:
    return [entry.path for entry in selection.files]


def test_manifests_are_known_by_their_suffix_and_sorted() -> None:
    found = selected("z.yml", "a.yaml", "b/c.json", "README.md", "x.yaml.bak", "k/Kustomization")

    assert names(found) == ["a.yaml", "b/c.json", "k/Kustomization", "z.yml"]


def test_dot_folders_and_charts_are_left_out_with_all_below_them() -> None:
    found = selected(
        ".github/ci.yaml", "a/.x/b.yaml", ".a.yaml", "chart/Chart.yaml", "chart/t/d.yaml", "ok.yaml"
    )

    assert names(found) == [".a.yaml", "ok.yaml"]


def test_a_path_is_a_folder_or_a_file_however_it_is_written() -> None:
    for under in ("deploy", "deploy/", "./deploy", "/deploy/"):
        assert names(selected("deploy/a.yaml", "deployment/b.yaml", under=(under,))) == [
            "deploy/a.yaml"
        ]
    assert names(selected("a.yaml", "b.yaml", under=("b.yaml",))) == ["b.yaml"]
    assert names(selected("a.yaml", under=(".",))) == ["a.yaml"]


def test_paths_that_are_not_there_are_told() -> None:
    found = selected("deploy/a.yaml", under=("deploy", "nowhere", "../up"))

    assert found.missing == (("nowhere", "no such folder"), ("../up", "no such folder"))


def test_links_are_told_and_not_read() -> None:
    found = selected("a.yaml@", "b.yaml", "c.txt@")

    assert [entry.path for entry in found.links] == ["a.yaml"]
    assert names(found) == ["b.yaml"]


def test_ignore_files_hold_below_their_own_folder() -> None:
    ignore = {".reconcileignore": "# tests\n/ci\n*.secret.yaml\n", "b/.sourceignore": "x.yaml\n"}
    found = selected(
        "ci/a.yaml", "b/x.yaml", "b/y.yaml", "x.yaml", "b/ci/z.yaml", "q.secret.yaml", ignore=ignore
    )

    assert names(found) == ["b/ci/z.yaml", "b/y.yaml", "x.yaml"]


def test_the_last_pattern_that_matches_decides_also_over_folders() -> None:
    ignore = {
        ".sourceignore": "*.yaml\n!keep.yaml\n",
        "a/.sourceignore": "!here.yaml\n",
        "a/b/.sourceignore": "here.yaml\n",
    }
    found = selected(
        "keep.yaml", "x.yaml", "a/here.yaml", "a/x.yaml", "a/b/here.yaml", ignore=ignore
    )

    assert names(found) == ["a/here.yaml", "keep.yaml"]


def test_a_line_that_is_no_pattern_is_told_and_the_others_hold() -> None:
    ignore = {"a/.sourceignore": "\ufeffx.yaml\r\n!\r\n[z-a]\r\ny.yaml\r\n"}
    found = selected("a/x.yaml", "a/y.yaml", "a/z.yaml", ignore=ignore)

    assert names(found) == ["a/z.yaml"]
    assert [str(each) for each in found.problems] == [
        "a/.sourceignore:2: '!' is no pattern",
        "a/.sourceignore:3: '[z-a]' is no pattern",
    ]


def test_a_path_may_lead_into_a_dot_folder_that_would_be_left_out_otherwise() -> None:
    paths = (".deploy/a.yaml", ".deploy/.git/b.yaml")

    assert names(selected(*paths, under=(".deploy",))) == [".deploy/a.yaml"]
    assert names(selected(*paths)) == []


def test_submodules_are_neither_read_nor_told() -> None:
    entry = TreeEntry("a.yaml", EntryKind.SUBMODULE, "0")
    found = select_manifests([entry], paths=[], ignore_files={})

    assert found == ManifestSelection(files=(), links=(), missing=())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("module", "is a submodule, which is not followed,"),
        ("./module/deploy/", "lies behind 'module', a submodule, which is not followed,"),
        ("current", "is a link, which is not followed,"),
        ("cafe\u0301", "only one that looks the same, of letters composed otherwise"),
        ("a.yaml/b", "no such folder"),
        ("modul", "no such folder"),
    ],
)
def test_a_path_that_is_not_followed_is_told_with_the_reason(path: str, reason: str) -> None:
    entries = [
        TreeEntry("a.yaml", EntryKind.FILE, "1"),
        TreeEntry("caf\u00e9/web.yaml", EntryKind.FILE, "1"),
        TreeEntry("current", EntryKind.LINK, "2"),
        TreeEntry("module", EntryKind.SUBMODULE, "3"),
        TreeEntry("modules/of/others", EntryKind.SUBMODULE, "3"),
    ]

    found = select_manifests(entries, paths=["modules", "a.yaml", path], ignore_files={})

    ((told, why),) = found.missing
    assert told == path
    assert why.startswith(reason)

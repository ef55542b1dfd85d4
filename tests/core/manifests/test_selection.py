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

    assert found.missing_paths == ("nowhere", "../up")


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

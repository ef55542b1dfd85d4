"""``reconcile lint``, as a user meets it."""

from pathlib import Path

from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from tests.interfaces.program import ROOT, on_a_terminal, program, undocumented

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    reconcile/polcy: semver:^1
spec:
  template:
    spec:
      containers:
      - name: nginx
        image: nginx
---
key: value
"""
UNKNOWN = "unknown annotation 'reconcile/polcy'; did you mean 'policy'?"
WITHOUT_TAG = "the image 'nginx' has no tag, which means 'latest': name one"


def folder(tmp_path: Path, name: str = "web.yaml", text: str = MANIFEST) -> Path:
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    (deploy / name).write_text(text)
    return tmp_path


def test_every_finding_has_a_line_that_an_editor_can_follow(tmp_path: Path) -> None:
    done = program("lint", "deploy", cwd=folder(tmp_path))

    assert (done.code, done.err) == (3, "")
    assert done.out.splitlines() == [
        f"deploy/web.yaml:6:5: error: {UNKNOWN} [invalid]",
        f"deploy/web.yaml:12:16: warning: {WITHOUT_TAG} [no-tag]",
        "1 file: 1 error and 1 warning; 1 document without apiVersion and kind left out",
    ]


def test_what_is_encrypted_is_told_and_is_no_fault(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops: {version: '3'}\n"
    place = folder(tmp_path, "secret.yaml", text)
    said = "is encrypted (sops): what it says was not looked at"

    done = program("lint", "deploy", cwd=place)
    for_github = program("lint", "deploy", "--github", cwd=place)

    assert (done.code, for_github.code) == (0, 0)
    assert done.out.splitlines() == [
        f"deploy/secret.yaml:1:1: note: {said} [encrypted]",
        "1 file: 0 errors and 0 warnings, 1 note",
    ]
    assert for_github.out.startswith("::notice file=deploy/secret.yaml,line=1,col=1,")


def test_one_manifest_can_be_named(tmp_path: Path) -> None:
    done = program("lint", "deploy/web.yaml", cwd=folder(tmp_path))

    assert done.code == 3
    assert done.out.startswith("deploy/web.yaml:6:5: error: ")


def test_what_other_sources_wait_for_is_nothing_to_a_folder(tmp_path: Path) -> None:
    done = program("lint", "deploy", cwd=folder(tmp_path), env={"RECONCILE_DEPENDS_ON": "infra"})

    assert (done.code, done.err) == (3, "")


def test_the_document_has_all_of_it(tmp_path: Path) -> None:
    done = program("lint", "deploy", "--ignore", "no-tag", "-o", "json", cwd=folder(tmp_path))

    assert done.code == 3
    assert undocumented(done.json) == set()
    assert done.json == {
        "version": 1,
        "exitCode": 3,
        "findings": [
            {
                "path": "deploy/web.yaml",
                "line": 6,
                "column": 5,
                "level": "error",
                "rule": "invalid",
                "message": UNKNOWN,
            }
        ],
        "files": 1,
        "otherDocuments": 1,
    }


def test_annotations_of_github_are_escaped(tmp_path: Path) -> None:
    text = MANIFEST.replace("semver:^1", "newest").replace("polcy", "a%2Cb")
    cwd = folder(tmp_path, "a,b.yaml", text)

    done = program("lint", "deploy", "--github", "--ignore", "no-tag", cwd=cwd)

    assert done.code == 3
    assert done.out == (
        "::error file=deploy/a%2Cb.yaml,line=6,col=5,title=reconcile lint%3A invalid"
        "::unknown annotation 'reconcile/a%252Cb'\n"
    )


def test_a_folder_without_faults_is_0(tmp_path: Path) -> None:
    text = MANIFEST.replace("polcy", "policy").replace("image: nginx", "image: nginx:1.25.0")

    done = program("lint", ".", cwd=folder(tmp_path, text=text))

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1 file: 0 errors and 0 warnings; ")


def test_a_file_that_is_no_text_is_found_and_the_others_are_linted(tmp_path: Path) -> None:
    cwd = folder(tmp_path)
    (cwd / "deploy/a.yaml").write_bytes(b"apiVersion: v1\nkind: \xff\n")

    done = program("lint", "deploy", cwd=cwd)

    assert done.code == 3
    assert done.out.startswith("deploy/a.yaml:2: error: is not UTF-8 [invalid]\ndeploy/web.yaml:")


def test_findings_are_coloured_on_a_terminal_and_steer_it_not(tmp_path: Path) -> None:
    text = MANIFEST.replace("reconcile/polcy", r'"reconcile/\e[2Jpolcy"')

    done = on_a_terminal("lint", str(folder(tmp_path, text=text)))

    assert done.code == 3
    assert "\x1b[31m" in done.out
    assert "\x1b[2J" not in done.out


def test_wrong_arguments_are_2_and_say_what_is_right(tmp_path: Path) -> None:
    unknown = program("lint", ".", "--ignore", "no-tga", cwd=tmp_path)
    vital = program("lint", ".", "--ignore", "invalid", cwd=tmp_path)
    both = program("lint", ".", "--github", "-o", "json", cwd=tmp_path)
    nowhere = program("lint", "nowhere", cwd=tmp_path)

    assert [each.code for each in (unknown, vital, both, nowhere)] == [2, 2, 2, 2]
    assert "must be one of encrypted, duplicate, " in unknown.err
    assert unknown.err.endswith(", not 'no-tga'\n")
    assert "not 'invalid'" in vital.err
    assert "--github does not go with --output json" in both.err
    assert nowhere.err == "reconcile: nowhere: cannot read it: No such file or directory\n"


def test_the_hook_of_pre_commit_runs_the_command(tmp_path: Path) -> None:
    path = ".pre-commit-hooks.yaml"
    (document,) = parse_documents((ROOT / path).read_text(), path=path)
    hooks = to_value(document.root, path=path)
    assert isinstance(hooks, list)
    (hook,) = hooks
    assert isinstance(hook, dict)
    entry, arguments = hook["entry"], hook["args"]
    assert isinstance(entry, str)
    assert isinstance(arguments, list)

    done = program(*entry.split()[1:], *map(str, arguments), cwd=folder(tmp_path))

    assert hook["pass_filenames"] is False
    assert done.code == 3

"""What looks like an option or a command is a name, or is refused; nothing of it runs."""

import os
import re
from pathlib import Path

import pytest

from lab import story
from lab.bare_repository import git, run
from lab.registry import Registry
from tests.e2e.plain import Plain

pytestmark = pytest.mark.registry

TRAP = "sprung"
NAMES = [
    b"-rf.yaml",
    b"--upload-pack=touch " + TRAP.encode() + b".yaml",
    b"two\nlines.yaml",
    b'"quoted".yaml',
    b"back\\slash\\n.yaml",
    b"tab\t.yaml",
    b"$(touch " + TRAP.encode() + b").yaml",
    b" leading and trailing .yaml",
    b"\xff\xfe.yaml",
    "ünï/cödé.yaml".encode(),
    b"Reconcile-Image: x.yaml",
]


@pytest.fixture
def plain(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Plain:
    monkeypatch.chdir(tmp_path)
    return Plain.create(f"injection{os.getpid()}", tmp_path, registry)


def put_under_any_name(plain: Plain, names: list[bytes], content: bytes) -> None:
    """Commit a content under names of which some are not text."""
    blob = plain.remote.blob(content).encode()
    listing = b"".join(b"100644 %b\t%b\0" % (blob, name) for name in names)
    index = str(plain.folder / "index")
    git(plain.remote.path, "read-tree", "main", index=index)
    git(plain.remote.path, "update-index", "-z", "--index-info", stdin=listing, index=index)
    tree = git(plain.remote.path, "write-tree", index=index)
    commit = git(plain.remote.path, "commit-tree", "-p", "main", "-m", "odd names", tree)
    git(plain.remote.path, "update-ref", "refs/heads/main", commit)


def contents(plain: Plain) -> dict[bytes, bytes]:
    """Return the contents of the remote's branch by the bytes of their paths."""
    listing = run(plain.remote.path, ["ls-tree", "-r", "-z", "main"])
    entries = [line.split(b"\t", 1) for line in listing.split(b"\0") if line]
    return {path: plain.remote.content(meta.split()[2].decode("ascii")) for meta, path in entries}


def test_files_of_any_name_are_edited_exactly(plain: Plain) -> None:
    before = contents(plain)
    template = before[story.DEPLOYMENT_PATH.encode()]
    put_under_any_name(plain, NAMES, b"")
    for number, name in enumerate(NAMES):
        own = template.replace(b"nginx-deployment", b"nginx-%d" % number)
        put_under_any_name(plain, [name], own)
    before = contents(plain)

    done = plain.run()

    assert done.code in {0, 3}, done.err
    after = contents(plain)
    changed = {name for name in after if after[name] != before[name]}
    told = [name for name in NAMES if name not in changed]
    assert after.keys() == before.keys()
    for name in changed:
        assert after[name] == before[name].replace(b"nginx:v3", b"nginx:v4")
    assert told == []
    assert len(plain.remote.log(form="%H")) == len(NAMES) + 3
    assert plain.run().code == done.code
    assert len(plain.remote.log(form="%H")) == len(NAMES) + 3
    history = plain.run("-o", "json", command="history")
    assert history.code == 0, history.err
    assert len(set(re.findall(r"nginx-\d+", history.out))) == len(NAMES)
    assert not list(plain.folder.rglob(TRAP))


@pytest.mark.parametrize(
    "flags",
    [
        ("--git-url=ext::sh -c touch% sprung",),
        ("--git-url=--upload-pack=touch sprung",),
        ("--git-url=-oProxyCommand=touch sprung",),
        ("--git-url=ssh://-oProxyCommand=touch${IFS}sprung/x",),
        ("--git-url=ssh://git@-oProxyCommand=touch${IFS}sprung/x",),
        ("--git-url=-oProxyCommand=touch@host:x",),
        ("--git-url=git@host:--upload-pack=touch${IFS}sprung",),
        ("--git-url=fd::17",),
        ("--git-url=https://host/x\n[core]",),
        ("--git-branch=--upload-pack=touch sprung",),
        ("--git-branch=main\nrefs/heads/evil",),
        ("--git-branch=refs/heads/../../x",),
        ("--git-branch=+main:evil",),
        ("--git-push-branch=--receive-pack=touch sprung",),
        ("--git-push-option=a\nb",),
        ("--git-user=x\ncommitter evil <e@e> 0 +0000",),
        ("--git-email=x> 0 +0000\nencoding x",),
    ],
)
def test_settings_that_are_more_than_a_name_are_refused(
    plain: Plain, flags: tuple[str, ...]
) -> None:
    done = plain.run(*flags)

    assert done.code in {2, 3}, done.out + done.err
    assert len(done.err.splitlines()) <= 4
    assert done.err.replace("\n", "").isprintable()
    assert plain.remote.log() == ["Deploy nginx v3"]
    assert not list(plain.folder.rglob(TRAP))


@pytest.mark.parametrize(
    "path", ["--output=sprung", "-x", ":(exclude)workloads", "$(touch sprung)"]
)
def test_a_folder_to_manage_is_a_name(plain: Plain, path: str) -> None:
    template = plain.remote.content(f"main:{story.DEPLOYMENT_PATH}")
    plain.remote.put({f"{path}/x.yaml": template})

    done = plain.run(f"--git-path={path}")

    assert done.code == 0, done.err
    assert b"nginx:v4" in plain.remote.content(f"main:{path}/x.yaml")
    assert b"nginx:v3" in plain.remote.content(f"main:{story.DEPLOYMENT_PATH}")
    assert not list(plain.folder.rglob(TRAP))


@pytest.mark.parametrize(
    "image", ["--upload-pack=x:v3", "-oProxyCommand=x:v3", "$(touch sprung):v3", "x:-v3", "ext::x"]
)
def test_a_name_that_is_no_image_s_is_told_and_asked_nowhere(plain: Plain, image: str) -> None:
    manifest = plain.remote.content(f"main:{story.DEPLOYMENT_PATH}").decode()
    bad = manifest.replace(f"{plain.image}:v3", f'"{image}"').replace("nginx-deployment", "bad")
    plain.remote.put({"workloads/bad.yaml": bad.encode()})

    done = plain.run()

    assert done.code == (0 if "$(" in image else 3), done.out  # the former is a template's
    assert "workloads/bad.yaml" in done.err or "deployment/bad  nginx: $(" in done.out
    assert b"nginx:v4" in plain.remote.content(f"main:{story.DEPLOYMENT_PATH}")
    assert not list(plain.folder.rglob(TRAP))

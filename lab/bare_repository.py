"""Bare repositories that somebody else pushes to."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.process import LabError

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.org",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.org",
}


def git(directory: Path, *arguments: str, stdin: bytes = b"", index: str = "") -> str:
    """Run git in a folder as a person would, and return what it printed."""
    return run(directory, arguments, stdin, index).decode("utf-8", "surrogateescape").strip("\n")


def run(directory: Path, arguments: Sequence[str], stdin: bytes = b"", index: str = "") -> bytes:
    """Run git and return the bytes it printed."""
    result = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env={**_ENVIRONMENT, **({"GIT_INDEX_FILE": index} if index else {})},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if result.returncode:
        raise LabError(f"git {' '.join(arguments)}: {result.stderr.decode().strip()}")
    return result.stdout


@dataclass(frozen=True, slots=True)
class BareRemote:
    """A bare repository with a branch ``main``."""

    path: Path

    @classmethod
    def create(cls, path: Path, *options: str) -> "BareRemote":
        """Make an empty one, which permits partial clones as the forges do."""
        path.mkdir(parents=True)
        git(path, "init", "--quiet", "--bare", "--initial-branch=main", *options)
        git(path, "config", "uploadpack.allowFilter", "true")
        return cls(path)

    def put(
        self,
        files: Mapping[str, bytes | None],
        message: str = "by a person",
        *,
        branch: str = "main",
        mode: str = "100644",
    ) -> str:
        """Commit contents by path (None: delete) on a branch, as somebody else; return its id.

        With mode 120000 a content is a link's target, with 160000 a commit's id.
        """
        lines = []
        for path, content in files.items():
            if content is None:
                lines.append(f"0 {'0' * 40}\t{path}")
            else:
                blob = content.decode() if mode == "160000" else self.blob(content)
                lines.append(f"{mode} {blob}\t{path}")
        index = str(self.path / "a-persons-index")
        parent = self.tip(branch)
        git(self.path, "read-tree", *([parent] if parent else ["--empty"]), index=index)
        stdin = "".join(f"{line}\0" for line in lines).encode()
        git(self.path, "update-index", "-z", "--index-info", stdin=stdin, index=index)
        tree = git(self.path, "write-tree", index=index)
        parents = ["-p", parent] if parent else []
        commit = git(self.path, "commit-tree", *parents, "-F", "-", tree, stdin=message.encode())
        git(self.path, "update-ref", f"refs/heads/{branch}", commit)
        return commit

    def blob(self, content: bytes) -> str:
        """Store a content and return its id."""
        return git(self.path, "hash-object", "-w", "--stdin", stdin=content)

    def tip(self, branch: str = "main") -> str:
        """Return where a branch is; empty if it is not there."""
        return git(self.path, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def files(self, branch: str = "main") -> dict[str, bytes]:
        """Return the contents at a branch's tip."""
        listing = git(self.path, "ls-tree", "-r", "-z", "--name-only", branch)
        return {path: self.content(f"{branch}:{path}") for path in listing.split("\0") if path}

    def content(self, name: str) -> bytes:
        """Return a blob's content."""
        return run(self.path, ["cat-file", "blob", name])

    def log(self, branch: str = "main", form: str = "%s") -> list[str]:
        """Return the subjects (or another form) of a branch's commits, newest first."""
        return git(self.path, "log", f"--format={form}", branch).split("\n")

    def show(self, branch: str = "main") -> str:
        """Return a branch's newest commit as ``git show`` prints it."""
        return git(self.path, "show", branch)

    def hook(self, name: str, script: str) -> None:
        """Install a hook that is a shell script."""
        hooks = self.path / "hooks"
        hooks.mkdir(exist_ok=True)
        path = hooks / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

"""The program as a user runs it: in a process of its own, with a pipe or a terminal."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "reconciler")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was printed
        return json.loads(self.out)


def undocumented(document: object) -> set[str]:
    """Return the keys of a JSON document that the description of the commands does not name."""
    described = (ROOT / "docs/reference/commands.md").read_text()
    return {key for key in _keys(document) if not re.search(rf"`\.?{key}(?:\[\])?`", described)}


def _keys(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document
        for value in document.values():
            yield from _keys(value)
    if isinstance(document, list):
        for item in document:
            yield from _keys(item)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a plain user: no cluster, no settings, 80 columns."""
    left_out = ("KUBECONFIG", "COLUMNS", "NO_COLOR", "TERM")
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith("RECONCILE_")
    }
    return {**plain, "TERM": "xterm", **(more or {})}


def program(
    *arguments: str,
    stdin: str | bytes = "",
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> Done:
    """Run it with pipes."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        check=False,
        timeout=120,
        env=environment(env),
        cwd=cwd,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_a_terminal(*arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
    """Run it on a terminal; ``out`` is all that is seen there, with line feeds alone."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment({"COLUMNS": "80", **(env or {})}),
        close_fds=True,
    )
    os.close(theirs)
    if stdin:
        os.write(ours, stdin.encode())
    seen = b""
    while chunk := _chunk(ours):
        seen += chunk
    os.close(ours)
    return Done(process.wait(timeout=120), seen.decode().replace("\r\n", "\n"))


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the other side was closed
        return b""

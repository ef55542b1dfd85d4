"""Watches what other users of a machine could see of processes: their arguments and variables."""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WATCHED = ("git", "ssh", "ssh-keygen", "gpg")
_SHIM = """\
#!/bin/sh
cat /proc/$$/cmdline /proc/$$/environ >> '{seen}'
exec '{program}' "$@"
"""
_EVERY_S = 0.002


@dataclass
class Spies:
    """What was seen so far.

    Attributes:
        path: put before everything else on the ``PATH``, it has each program that is looked for
            there tell its arguments and variables before it begins.
        sampled: arguments and variables of all processes that began while we looked at them.
    """

    path: Path
    seen: Path
    sampled: set[bytes] = field(default_factory=set)

    @property
    def told(self) -> bytes:
        """Return what the programs told."""
        return self.seen.read_bytes()

    def install(self) -> None:
        """Put a shim before each program that is watched."""
        self.path.mkdir()
        self.seen.touch()
        for name in WATCHED:
            program = shutil.which(name)
            assert program
            shim = self.path / name
            shim.write_text(_SHIM.format(seen=self.seen, program=program))
            shim.chmod(0o755)


@contextlib.contextmanager
def sampled_processes(found: set[bytes]) -> Iterator[None]:
    """Collect arguments and variables of the processes that begin while the block runs."""
    old, stop = _processes(), threading.Event()

    def sample() -> None:
        while not stop.wait(_EVERY_S):
            for process in _processes() - old:
                with contextlib.suppress(OSError):
                    folder = Path("/proc") / process
                    arguments = (folder / "cmdline").read_bytes()
                    found.add(arguments + (folder / "environ").read_bytes())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _processes() -> set[str]:
    return {path.name for path in Path("/proc").iterdir() if path.name.isdigit()}

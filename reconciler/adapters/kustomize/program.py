"""Builds kustomizations by the kustomize program, with no network, plugins and other files."""

import errno
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.adapters.kustomize.layout import laid_out
from reconciler.adapters.kustomize.seclusion import secluded
from reconciler.errors import ManifestError, ReconcilerError, StoppedError, TransientError
from reconciler.program import Said, run_program
from reconciler.stop import Stop

PROGRAM: Final = "kustomize"
TIME_LIMIT_S: Final = 120.0
MAX_WORDS: Final = 800  # of kustomize's own, in characters
MAX_OUTPUT_BYTES: Final = 64 * 1024 * 1024
OLDEST: Final = 5
"""The oldest major version whose builds are those of today."""


_VERSION: Final = re.compile(rb"v([0-9]+)\.")
_NOTHING_THERE: Final = "http://127.0.0.1:1"


class KustomizeProgram:
    """Builds kustomizations in folders of its own. Safe to use from many threads.

    What kustomize could fetch it cannot reach: it can open no socket (see ``secluded``), is told of
    a proxy that is not there, and finds no git on its PATH. Files outside a kustomization's folder,
    plugins, functions and Helm are off, as they are unless asked for; which folders it builds upon
    is for others to see to.
    """

    def __init__(
        self,
        directory: Path,
        *,
        path: str,
        stop: Stop | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        """Look for nothing yet.

        Args:
            directory: where files are laid out; made when needed, may be deleted any time.
            path: where programs are: ``$PATH``.
            stop: ends a build early.
            time_limit_s: seconds after which one build is given up.
        """
        self._directory = directory
        self._path = path
        self._stop = stop or Stop()
        self._time_limit_s = time_limit_s
        self._lock = threading.Lock()
        self._program = ""

    def build(self, files: Mapping[str, bytes], folder: str, *, is_secret: bool = False) -> str:
        """Return what a kustomization gives, as documents of YAML.

        Args:
            files: all that it may load, by path.
            folder: where it is.
            is_secret: whether the files are laid out in memory, where it has room.

        Raises:
            ManifestError: it cannot be built, in kustomize's words; or there is no kustomize.
            TransientError: it did not end in time, or the disk is full.
            StoppedError: this process is to end.
        """
        where = folder or "."
        try:
            with self._lock:
                self._program = self._program or self._found(where)
            most = MAX_OUTPUT_BYTES if is_secret else MAX_WORDS  # who masks it must see it whole
            with laid_out(files, self._directory, is_secret=is_secret) as root:
                said = self._run("build", str(root / folder), home=root)
                return self._output(said, root, where, most=most)
        except TimeoutError as error:
            words = f"kustomize did not end within {self._time_limit_s:g} s"
            raise TransientError(words, where=where) from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                words = "one of the files that it may load has a name that is too long here"
                raise ManifestError(words, where=where) from error
            words = f"kustomize cannot be run: {(error.strerror or str(error)).lower()}"
            raise TransientError(words, where=where) from error

    def _found(self, where: str) -> str:
        program = shutil.which(PROGRAM, path=self._path)
        if program is None:
            raise ManifestError(
                f"is built by the program kustomize, which is not on the PATH: install version "
                f"{OLDEST} or newer; nothing in {where!r} is applied",
                where=where,
            )
        said = run_program(
            [program, "version"], environment={}, limit_s=self._time_limit_s, max_bytes=4096
        )
        version = _VERSION.search(said.stdout)
        if version is None or int(version[1]) < OLDEST:
            words = f"needs kustomize {OLDEST} or newer, and {program} is none"
            raise ManifestError(words, where=where)
        return program

    def _run(self, *arguments: str, home: Path) -> Said:
        return run_program(
            secluded([self._program, *arguments]),
            environment={
                "HOME": str(home.parent),  # beside the files: what it keeps there it does not load
                "HTTP_PROXY": _NOTHING_THERE,
                "HTTPS_PROXY": _NOTHING_THERE,
                "PATH": "/nonexistent",
            },
            limit_s=self._time_limit_s,
            max_bytes=MAX_OUTPUT_BYTES,
            directory=home,
            ending=self._stop.ending_wait,
        )

    def _output(self, said: Said, root: Path, where: str, *, most: int) -> str:
        if len(said.stdout) > MAX_OUTPUT_BYTES:
            raise ManifestError(f"gives more than {MAX_OUTPUT_BYTES:,} bytes", where=where)
        if said.status and self._stop.is_asked:
            raise StoppedError("kustomize was ended: this process was asked to end")
        if said.status < 0:
            raise TransientError(f"kustomize was ended by signal {-said.status}", where=where)
        if said.status:
            raise _refused(said.stderr, root, where, most=most)
        return said.stdout.decode("utf-8", "replace")


def _refused(stderr: bytes, root: Path, where: str, *, most: int) -> ReconcilerError:
    """Return why kustomize refused, in its words, without the place where we laid the files out."""
    words = stderr.decode("utf-8", "replace").strip().removeprefix("Error: ")
    words = words.replace(f"{root}/", "").replace(str(root), ".")
    words = "".join(each if each.isprintable() else " " for each in words)
    return ManifestError(f"kustomize cannot build it: {words[:most]}", where=where)

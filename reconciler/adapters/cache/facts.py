"""Facts about images in files: one a repository, replaced as a whole, bounded in number and size.

Two processes may share the folder: what one writes the other may overwrite, which costs it nothing
but reading the same again.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

import structlog

from reconciler.adapters.cache.facts_codec import decode, encode
from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.reference import Repository

log = structlog.get_logger(__name__)

MAX_FILE_BYTES: Final = 32 * 1024 * 1024  # a hundred thousand tags
MAX_BYTES: Final = 256 * 1024 * 1024  # of all files
MAX_FILES: Final = 10_000
_AT_ONCE: Final = 20  # where files must go, a twentieth of them goes, and not one for each new one


class FactFiles:
    """A folder of facts, and what of it was used by this process."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_BYTES, max_file_bytes: int = MAX_FILE_BYTES
    ) -> None:
        """Take a folder; it is made when there is something to keep."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_file_bytes = max_file_bytes
        self._known: dict[Repository, Facts] = {}
        self._spare_files = self._spare_bytes = 0  # that may be used before the folder is looked at

    def load(self, repository: Repository) -> Facts:
        """Return what is kept of a repository's images; nothing if the file cannot be used."""
        known = self._known.get(repository)
        if known is None:
            known = self._known[repository] = self._read(repository)
        return known

    def save(self, repository: Repository, facts: Facts) -> None:
        """Keep this; in memory alone if it cannot be written."""
        known = self._known.get(repository, NO_FACTS)
        if known == facts and list(known.digests) == list(facts.digests):
            return
        self._known[repository] = facts
        content = encode(repository, facts)
        if len(content) > self._max_file_bytes:
            log.debug("facts.unkept", repository=str(repository), reason="is too large")
            return
        try:
            self._write(self._path(repository), content)
        except OSError as error:
            log.debug("facts.unkept", repository=str(repository), reason=_reason(error))

    def _read(self, repository: Repository) -> Facts:
        path = self._path(repository)
        try:
            with path.open("rb") as file:
                content = file.read(self._max_file_bytes + 1)
            return decode(repository, content)
        except FileNotFoundError:
            return NO_FACTS
        except (OSError, ValueError) as error:
            log.debug("facts.unread", repository=str(repository), reason=_reason(error))
            return NO_FACTS

    def _write(self, path: Path, content: bytes) -> None:
        """Put the file in place whole; a power cut may leave a broken one, which is not used."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            self._make_room(len(content))
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()

    def _make_room(self, size_bytes: int) -> None:
        """See that one more file has its place.

        The folder is looked at anew only when half of the room that it had is used, for others may
        write there too. A look for each new file would take minutes where there are thousands.
        """
        self._spare_files -= 1
        self._spare_bytes -= size_bytes
        if min(self._spare_files, self._spare_bytes) >= 0:
            return
        with os.scandir(self._folder) as entries:
            files = [(entry, entry.stat()) for entry in entries if entry.is_file()]
        files.sort(key=lambda file: file[1].st_mtime)
        count, total = len(files) + 1, sum(state.st_size for _, state in files) + size_bytes
        more = 0 if self._has_room(count, total) else len(files) // _AT_ONCE
        for entry, state in files:
            if self._has_room(count, total):
                if not more:
                    break
                more -= 1
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                Path(entry.path).unlink()
            count, total = count - 1, total - state.st_size
        self._spare_files = (MAX_FILES - count) // 2
        self._spare_bytes = (self._max_bytes - total) // 2

    def _has_room(self, count: int, total_bytes: int) -> bool:
        return count <= MAX_FILES and total_bytes <= self._max_bytes

    def _path(self, repository: Repository) -> Path:
        name = hashlib.sha256(str(repository).encode()).hexdigest()[:40]
        return self._folder / f"{name}.json"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

"""Fingerprint: what changes whenever this program might read a content differently."""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import reconciler
from reconciler.release import VERSION

_SOURCES = ("core", "errors.py", "adapters/cache")
_PARSERS = ("ruamel.yaml", "re2")  # what reads for us; who uses them has imported them


@cache
def fingerprint() -> bytes | None:
    """Return a hash over the code that reads contents, and over the versions of what it uses.

    Nobody has to remember to count up a number. None if the sources are not there to be hashed.
    """
    digest = hashlib.blake2b(f"{VERSION}\0{sys.version}\0".encode(), digest_size=16)
    try:
        sources = [(path.name, path.read_bytes()) for path in sorted(_sources())]
    except OSError:
        return None
    for name, content in sources:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    for name in sorted(_versions()):
        digest.update(f"{name}\0".encode())
    return digest.digest() if sources else None


def _sources() -> Iterator[Path]:
    for root in map(Path, reconciler.__path__):
        for name in _SOURCES:
            path = root / name
            yield from path.rglob("*.py") if path.is_dir() else filter(Path.is_file, [path])


def _versions() -> Iterator[str]:
    """Yield the names of what is installed beside the parsers: they have its versions."""
    for name in _PARSERS:
        found = getattr(sys.modules.get(name), "__file__", None)
        for parent in Path(found).parents if found else ():
            infos = [each.name for each in parent.glob("*.*-info")]
            if infos:
                yield from infos
                break

"""``reconcile apply``: sync a local folder as a source of its own."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from reconciler.bootstrap import Local
from reconciler.errors import SettingsError
from reconciler.interfaces.cli.cycles import run_cycles
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load_local, place_of
from reconciler.interfaces.cli.text import Narrator
from reconciler.settings import FOLDER_PREFIX, Settings

_MAX_NAME = 50 - len(FOLDER_PREFIX)  # a source's name has 50 characters at most
_HASH = 6
_NAME = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")


def run(invocation: Invocation, *, path: str, name: str | None) -> int:
    """Sync the folder, print what was done; return the exit code.

    Raises:
        SettingsError: options or path are wrong.
    """
    settings, local = folder_source(invocation, path, name)
    return run_cycles(settings, Narrator(), local=local)


def folder_source(invocation: Invocation, path: str, name: str | None) -> tuple[Settings, Local]:
    """Return settings whose one source is a local folder, and the folder.

    Raises:
        SettingsError: options, path or name are wrong.
    """
    settings = load_local(invocation, path)
    place = place_of(path)
    source = replace(
        settings.sources[0],
        name=FOLDER_PREFIX + (_checked(name) if name is not None else _name_of(Path(path))),
        is_synced=True,
        is_updated=False,
    )
    return replace(settings, sources=(source,)), Local(place.folder, place.only)


def _checked(name: str) -> str:
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        rule = f"lower-case letters, digits and '-', up to {_MAX_NAME}"
        raise SettingsError(f"--name: {name!r} is no name: {rule}")
    return name


def _name_of(path: Path) -> str:
    """Return a name from a path: its last part for people, a hash so that no two have the same.

    Two folders that shared a name would share an inventory, and prune each other's objects.
    """
    whole = path.resolve()
    digest = hashlib.sha256(str(whole).encode("utf-8", "surrogateescape")).hexdigest()[:_HASH]
    plain = re.sub(r"[^a-z0-9]+", "-", whole.name.lower()).strip("-")
    shown = plain[: _MAX_NAME - _HASH - 1].strip("-")
    return f"{shown}-{digest}" if shown else digest

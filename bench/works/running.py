"""The program's parts in this process, as its command line would build them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from reconciler import bootstrap
from reconciler.configuration import read_settings
from reconciler.interfaces import logs
from reconciler.interfaces.cli.text import SilentNarrator
from reconciler.pipeline.parts import Parts
from reconciler.settings import Settings, SourceSettings


def settings_of(
    *,
    git_url: str,
    data_dir: Path,
    is_synced: bool,
    is_updated: bool,
    is_waiting: bool = False,
    kubeconfig: str = "",
    namespace: str = "reconcile",
) -> Settings:
    """Return the settings of one source; it does not wait for health unless told to."""
    return read_settings(
        flags={
            "git-url": git_url,
            "data-dir": str(data_dir),
            "sync": is_synced,
            "update": is_updated,
            "wait": is_waiting,
            "namespace": namespace,
            **({"kubeconfig": kubeconfig} if kubeconfig else {}),
        },
        environment={},
        file=None,
        file_name="",
        defaults={},
    )


@contextlib.contextmanager
def parts(settings: Settings) -> Iterator[tuple[SourceSettings, Parts]]:
    """Give the one source, and the parts that its cycles work with."""
    logs.configure(level="error", form="json")
    (source,) = settings.sources
    with bootstrap.running(settings, progress=SilentNarrator()) as parts_of:
        yield source, parts_of(source)

"""Takes up what changes in the configuration while the process runs on."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import structlog

from reconciler.errors import SelectionError, SettingsError
from reconciler.settings import Settings

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 1024 * 1024


class ConfigWatch:
    """Compares files with what they held when the settings were read.

    These are the file of the settings and those that are read but once: the templates of commit
    messages. All others are read when they are needed, or notice themselves that they changed.
    """

    def __init__(self, config: str | None, load: Callable[[], Settings]) -> None:
        """Read the settings.

        Args:
            config: the file of the settings; None: there is none.
            load: reads the settings.

        Raises:
            SettingsError: they are wrong.
        """
        self._config = config
        self._load = load
        self._settings = load()
        self._known = self._contents(self._settings)

    @property
    def settings(self) -> Settings:
        """The settings as they were read last, and could be read."""
        return self._settings

    def changed(self) -> Settings | None:
        """Return new settings, if what they are made of has changed; None otherwise.

        What cannot be used is told once, and what was before goes on.

        Raises:
            SelectionError: a source that this process is to run is there no more: to go on with it
                would be to quarrel with whoever has it now, under whatever name.
        """
        contents = self._contents(self._settings)
        if contents == self._known:
            return None
        self._known = contents
        try:
            settings = self._load()
        except SelectionError:
            raise
        except SettingsError as error:
            self.refuse(error)
            return None
        is_other = settings != self._settings or _has_templates(settings)
        self._settings = settings
        self._known = self._contents(settings)
        return settings if is_other else None

    def refuse(self, error: SettingsError, before: Settings | None = None) -> None:
        """Tell that new settings cannot be used, and go back to others."""
        log.error("config.refused", problem=error.message, where=error.where)
        if before is not None:
            self._settings = before

    def _contents(self, settings: Settings) -> Mapping[Path, bytes]:
        return {path: _read(path) for path in self._paths(settings)}

    def _paths(self, settings: Settings) -> Iterable[Path]:
        if self._config:
            yield Path(self._config)
        yield from _templates(settings)


def _templates(settings: Settings) -> Iterable[Path]:
    for source in settings.sources:
        if source.git.commit_template is not None:
            yield source.git.commit_template


def _has_templates(settings: Settings) -> bool:
    return any(True for _ in _templates(settings))


def _read(path: Path) -> bytes:
    """Return what a file holds; of one that cannot be read, nothing."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError:
        return b""

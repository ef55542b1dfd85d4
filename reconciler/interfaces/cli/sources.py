"""The sources that a cluster knows of, for the commands that talk to a running reconciler."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.cluster_parts import controlling
from reconciler.core.nearest import nearest
from reconciler.errors import SettingsError
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.pipeline.attendance import Controls
from reconciler.pipeline.cluster_port import Cluster
from reconciler.settings import Settings

_ANY_REMOTE = {"git-url": "."}  # none is asked; but there are no settings without one


@dataclass(frozen=True, slots=True)
class Reached:
    """A cluster, and what it knows.

    Attributes:
        settings: of the command.
        cluster: reached by them.
        controls: what people want of its sources.
        names: of its sources; of those that ``--source`` names, if it is given.
    """

    settings: Settings
    cluster: Cluster
    controls: Controls
    names: tuple[str, ...]

    @property
    def namespace(self) -> str:
        """Where their memory is."""
        return self.settings.cluster.namespace

    def one(self, name: str | None) -> str:
        """Return the source that is meant: the named one, or the only one.

        Raises:
            SettingsError: there is none of that name, or several and no name.
        """
        if name is None and len(self.names) == 1:
            return self.names[0]
        if name in self.names:
            return str(name)
        where = f"namespace {self.namespace}"
        if not self.names:
            raise SettingsError(f"no source was ever synced from {where}: see --namespace")
        if name is None:
            raise SettingsError(f"name one of the sources of {where}: {', '.join(self.names)}")
        hint = nearest(name, self.names) or f": there is {', '.join(self.names)}"
        raise SettingsError(f"no source {name!r} in {where}{hint}")


@contextmanager
def reached(invocation: Invocation) -> Iterator[Reached]:
    """Give the cluster of a command's settings; closes its connections at the end.

    Raises:
        SettingsError: options are wrong, or there is no cluster.
        AccessDeniedError, ClusterError: its sources cannot be listed.
    """
    settings = load(invocation, defaults=_ANY_REMOTE, selects=False)
    with controlling(settings) as (controls, cluster):
        known = Reached(settings, cluster, controls, tuple(sorted(cluster.sources().values())))
        yield replace(known, names=_selected(known) if settings.selection else known.names)


def _selected(known: Reached) -> tuple[str, ...]:
    """Return those that ``--source`` names.

    Raises:
        SettingsError: there is none of such a name.
    """
    return tuple(sorted({known.one(name) for name in known.settings.selection}))

"""Reads the ``registries:`` of the configuration file. Tells all problems at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.reference import DEFAULT_HOST, ImageReference, Repository
from reconciler.core.nearest import nearest
from reconciler.errors import PolicySyntaxError, ReferenceSyntaxError, SettingsError
from reconciler.host_settings import HostSettings, Mirror, Rewrite
from reconciler.option_values import to_path, to_switch, utf8

KEYS: Final = (
    *("host", "ca-file", "client-cert-file", "client-key-file"),
    *("insecure", "mirrors", "rewrite"),
)
MIRROR_KEYS: Final = ("host", "rewrite")
HOSTS_OF_DOCKER_HUB: Final = frozenset({DEFAULT_HOST, "index.docker.io", "registry-1.docker.io"})

Read = TypeVar("Read")
Entry: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RegistryEntries:
    """What the file says of single registries.

    Attributes:
        hosts: the entries, in the file's order.
        insecure: hosts that may be spoken to in plain HTTP.
        problems: what is wrong, each with its place in the file.
    """

    hosts: tuple[HostSettings, ...] = ()
    insecure: frozenset[str] = field(default_factory=frozenset)
    problems: tuple[str, ...] = ()


def read_registry_entries(raw: object, *, where: str) -> RegistryEntries:
    """Return what a ``registries:`` list says.

    Args:
        raw: the list as parsed; None: there is none.
        where: the file's name, for problems.
    """
    reader = _Reader()
    entries = reader.mappings(raw, f"{where}: registries" if where else "registries")
    hosts: dict[str, HostSettings] = {}
    insecure: set[str] = set()
    for place, entry in entries:
        host = reader.host(entry, place)
        settings = reader.settings(entry, host, place)
        if host in hosts:
            reader.problems.append(f"{place}: two entries are for {host!r}")
        if host:
            hosts[host] = settings
        if reader.read(entry, "insecure", to_switch, place):
            insecure.add(host)
    return RegistryEntries(tuple(hosts.values()), frozenset(insecure), tuple(reader.problems))


class _Reader:
    """Collects problems while it reads."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def mappings(self, raw: object, where: str) -> Sequence[tuple[str, Entry]]:
        """Return the mappings of a list, each with its place."""
        entries = [] if raw is None else raw
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            self.problems.append(f"{where}: must be a list of mappings")
            return ()
        return [(f"{where}[{each.get('host', f'#{i}')}]", each) for i, each in enumerate(entries)]

    def host(self, entry: Entry, place: str) -> str:
        """Return the host that an entry is for; empty if it names none."""
        if "host" not in entry:
            self.problems.append(f"{place}: has no host")
        found = self.read(entry, "host", _to_place, place)
        if found is not None and found.path:
            self.problems.append(f"{place}: host: {entry['host']!r} is more than a host")
        return found.host if found else ""

    def settings(self, entry: Entry, host: str, place: str) -> HostSettings:
        """Return what an entry says of its host."""
        self._know(entry, KEYS, place)
        certificate = self.read(entry, "client-cert-file", _to_file, place)
        key = self.read(entry, "client-key-file", _to_file, place)
        if key is not None and "client-cert-file" not in entry:
            self.problems.append(f"{place}: client-key-file: there is no client-cert-file")
        rewrites = self.read(entry, "rewrite", _to_rewrites, place) or ()
        if rewrites and not entry.get("mirrors"):
            self.problems.append(f"{place}: rewrite: is for mirrors, and there are none")
        return HostSettings(
            host,
            ca_file=self.read(entry, "ca-file", _to_file, place),
            client_cert_file=certificate,
            client_key_file=key,
            mirrors=tuple(self._mirrors(entry.get("mirrors"), rewrites, f"{place}: mirrors")),
        )

    def read(
        self, entry: Entry, key: str, convert: Callable[[object], Read], place: str
    ) -> Read | None:
        """Return what the value of a key means; None if it is absent or means nothing."""
        if key not in entry:
            return None
        try:
            return convert(entry[key])
        except SettingsError as error:
            self.problems.append(f"{place}: {key}: {error}")
            return None

    def _mirrors(self, raw: object, rewrites: tuple[Rewrite, ...], where: str) -> Sequence[Mirror]:
        """Return the mirrors; those without a rewrite of their own get that of the entry."""
        listed = [] if raw is None else raw
        if not isinstance(listed, list):
            self.problems.append(f"{where}: must be a list")
            return ()
        entries = [each if isinstance(each, dict) else {"host": each} for each in listed]
        found = [
            self._mirror(entry, rewrites, place) for place, entry in self.mappings(entries, where)
        ]
        return [mirror for mirror in found if mirror is not None]

    def _mirror(self, entry: Entry, rewrites: tuple[Rewrite, ...], place: str) -> Mirror | None:
        self._know(entry, MIRROR_KEYS, place)
        if "host" not in entry:
            self.problems.append(f"{place}: has no host")
        there = self.read(entry, "host", _to_place, place)
        own = self.read(entry, "rewrite", _to_rewrites, place)
        if there is None:
            return None
        if not there.path:
            return Mirror(there.host, rewrites if own is None else own)
        if own:
            self.problems.append(f"{place}: rewrite: its host has a path already")
        return Mirror(there.host, (Rewrite(Pattern("^"), f"{there.path}/"),))

    def _know(self, entry: Entry, known: Sequence[str], place: str) -> None:
        self.problems.extend(
            f"{place}: {key}: unknown key{nearest(str(key), known)}"
            for key in entry
            if key not in known
        )


def _to_place(raw: object) -> Repository:
    """Read ``HOST[:PORT][/PATH]``, as it would stand in an image reference."""
    text = raw.removesuffix("/") if isinstance(raw, str) else ""
    host, _, path = text.partition("/")
    if "://" in text:
        raise SettingsError(f"{raw!r} is a URL: write HOST or HOST:PORT")
    try:
        found = ImageReference.parse(f"{host}/{path or 'x'}")
    except ReferenceSyntaxError:
        found = None
    asked = found.repository.host.lower() if found else ""
    if found is None or found.name != str(found) or asked not in (host.lower(), DEFAULT_HOST):
        raise _no_host(raw)
    if asked == DEFAULT_HOST and host not in HOSTS_OF_DOCKER_HUB:
        raise _no_host(raw)
    return Repository(asked, path)


def _no_host(raw: object) -> SettingsError:
    return SettingsError(f"{raw!r} is no host of images: write HOST.DOMAIN or HOST:PORT")


def _to_file(raw: object) -> Path:
    path = to_path(utf8(raw)) if isinstance(raw, str) else None
    if path is None:
        raise SettingsError("must be the path of a file")
    return path


def _to_rewrites(raw: object) -> tuple[Rewrite, ...]:
    """Read a mapping of expressions to what to write in the place of what they match."""
    if not isinstance(raw, dict) or not all(isinstance(each, str) for each in raw.values()):
        raise SettingsError("must be a mapping of regular expressions to texts")
    try:
        return tuple(Rewrite(Pattern(str(key)), value) for key, value in raw.items())
    except PolicySyntaxError as error:
        raise SettingsError(str(error)) from error

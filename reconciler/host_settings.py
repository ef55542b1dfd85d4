"""How single registries are spoken to, as frozen values."""

from dataclasses import dataclass
from pathlib import Path

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.tag_filter import TagFilter


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Another path for the repositories whose path matches, as k3s has it.

    Raises:
        PolicySyntaxError: the replacement names groups that the pattern does not have.
    """

    pattern: Pattern
    """Looked for in the repository's path, without host and tag."""

    replacement: str
    """What to write in the place of the match; ``$1``, ``${1}``: what the first group matched."""

    def __post_init__(self) -> None:
        """Refuse what could not be filled in."""
        TagFilter(self.pattern, self.replacement)


@dataclass(frozen=True, slots=True)
class Mirror:
    """A host that is asked in place of another one."""

    host: str
    """``HOST[:PORT]``; how it is spoken to stands in its own entry, if anything is special."""

    rewrites: tuple[Rewrite, ...] = ()
    """The first that matches gives the path to ask it for; none: the path as it is."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How one registry is spoken to, where that differs from the others."""

    host: str
    """``HOST[:PORT]`` as in image references, in lower case."""

    ca_file: Path | None = None
    """A CA bundle to trust there, beside the system's and the one for all registries."""

    client_cert_file: Path | None = None
    """The certificate to show there (PEM), with its chain; None: none."""

    client_key_file: Path | None = None
    """Its key, not encrypted; None: it is in the certificate's file."""

    mirrors: tuple[Mirror, ...] = ()
    """Whom to ask before it, in this order; the host itself may be among them, else it is last."""

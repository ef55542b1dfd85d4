"""Where a registry's door is: the host and port that connections go to."""

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from reconciler.adapters.http.proxies import PORTS


@dataclass(frozen=True, slots=True)
class Door:
    """A host and a port.

    Attributes:
        name: a name or an IP address, without brackets.
        port: where it listens.
    """

    name: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Door":
        """Return the door that a URL names; without a port, the one of its scheme.

        Raises:
            ValueError: its port is none.
        """
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    def look_at_certificate(self, question: str) -> str:
        """Return a command that shows something of the certificate that is shown here."""
        return (
            f"openssl s_client -connect {shlex.quote(str(self))} </dev/null 2>/dev/null"
            f" | openssl x509 -noout {question}"
        )

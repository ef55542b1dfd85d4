"""Names for loopback: what is not called ``localhost`` must speak TLS."""

import socket
from dataclasses import dataclass, field
from typing import Any

import pytest

SUFFIX = ".test"


@dataclass
class Names:
    """Stands in for the resolver: names ending in ``.test`` are this machine, and it takes notes.

    So are names that have a port here: whatever port is asked for there, it is that one.

    Addresses are looked up by the same call as names: so what nobody should have connected to is
    seen here.
    """

    asked: set[str] = field(default_factory=set)
    ports: dict[str, int] = field(default_factory=dict)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Resolve names while the patch lasts; nothing but loopback can be reached."""
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - socket's own
            self.asked.add(host)
            if host in self.ports:
                host, port = "127.0.0.1", self.ports[host]
            if host.endswith(SUFFIX) and not host.startswith("unknown"):
                host = "127.0.0.1"
            if host != "127.0.0.1":
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(host, port, *args, **more)

        patch.setattr(socket, "getaddrinfo", getaddrinfo)

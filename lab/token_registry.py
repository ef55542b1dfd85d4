"""A real registry over TLS that wants tokens, as the public ones do."""

from collections.abc import Mapping
from pathlib import Path

from lab.authority import Authority
from lab.images import Images
from lab.registry import USER, Registry
from lab.token_server import ALL_ACTIONS, SERVICE, TokenServer


class TokenRegistry(Registry):
    """CNCF Distribution that trusts a token server, and which speaks TLS as that does."""

    def __init__(
        self, folder: Path, tokens: TokenServer, authority: Authority, *, version: str = "3"
    ) -> None:
        super().__init__(folder, has_password=True, authority=authority, version=version)
        self.tokens = tokens
        self._ca_file = str(authority.ca_file)

    def images(self) -> Images:
        """Return its images, for whoever may do everything."""
        return Images(self.host, token_for=self._token_for, trust=self.trust)

    def auth(self) -> Mapping[str, object]:
        """Return how its configuration names the token server."""
        named = {"realm": self.tokens.realm, "service": SERVICE, "issuer": SERVICE}
        return {"token": {**named, "rootcertbundle": self._ca_file}}

    def _token_for(self, repository: str) -> str:
        return self.tokens.token(USER, [f"repository:{repository}:{','.join(ALL_ACTIONS)}"])

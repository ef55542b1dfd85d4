"""What proves to a registry who we are."""

import base64
from dataclasses import dataclass, field

from reconciler.core.redaction import Secret

IDENTITY_USER = "<token>"
"""The user name by which docker marks that the password is an identity token."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and a password, or an identity token.

    The user name is no part of ``repr`` either: some registries take the same token as both.

    Attributes:
        username: ``<token>`` where only a token was given.
        password: the password, or the identity token.
        is_identity_token: whether the password buys access tokens (OAuth 2.0, a refresh token).
    """

    username: str = field(repr=False)
    password: Secret
    is_identity_token: bool = False

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header."""
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

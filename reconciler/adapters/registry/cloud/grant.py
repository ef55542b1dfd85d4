"""What a cloud gives: a login for a while, or the reason why not."""

from dataclasses import dataclass
from typing import Final, Protocol

from reconciler.adapters.registry.login import Login

SHORTEST_USE_S: Final = 60.0
LONGEST_USE_S: Final = 12 * 3600.0
_SLACK: Final = 0.1  # of its life: a login is renewed before it ends


class CloudProblem(Exception):  # noqa: N818 - a reason on its way into a message, not an error
    """Why a cloud gives no login, in words that quote nothing secret.

    Attributes:
        may_pass: whether it may pass by itself.
    """

    def __init__(self, words: str, *, may_pass: bool = False) -> None:
        super().__init__(words)
        self.may_pass = may_pass


@dataclass(frozen=True, slots=True)
class Grant:
    """A login and for how many seconds it is to be used."""

    login: Login
    use_s: float

    @classmethod
    def lasting(cls, login: Login, life_s: float) -> "Grant":
        """Return a login that lives that long: it is used for less."""
        use_s = min(max(SHORTEST_USE_S, life_s * (1 - _SLACK)), LONGEST_USE_S)  # also of a NaN
        return cls(login, use_s)


class Provider(Protocol):
    """One cloud. Safe to call from many threads."""

    def key_of(self, host: str) -> str:
        """Return what a login for a host is good for: hosts of one key share it."""
        ...

    def log_in(self, host: str) -> Grant:
        """Ask for a login for a registry of this cloud.

        Raises:
            CloudProblem: there is none; says which step failed and what to do.
        """
        ...

"""A ServiceAccount that a source acts as."""

import re
from dataclasses import dataclass
from typing import Final

from reconciler.errors import SettingsError

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL)
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MAX_NAME: Final = 253
_MAX_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A ServiceAccount of the cluster, by its names: whether there is one is not known here.

    Names are those that Kubernetes takes (RFC 1123: a label for the namespace, a subdomain for the
    account), so that they can stand in a header.

    Raises:
        SettingsError: they are not.
    """

    namespace: str
    name: str

    def __post_init__(self) -> None:
        is_name = len(self.name) <= _MAX_NAME and _NAME.fullmatch(self.name)
        if not (_NAMESPACE.fullmatch(self.namespace) and is_name):
            text = f"{self.namespace}/{self.name}"[:_MAX_SHOWN]
            raise SettingsError(f"{text!r} is no ServiceAccount: write NAMESPACE/NAME or NAME")

    @classmethod
    def parse(cls, text: str, *, namespace: str) -> "ServiceAccount":
        """Return the account that ``[NAMESPACE/]NAME`` names.

        Args:
            text: what was given.
            namespace: of an account that is given by its name alone.

        Raises:
            SettingsError: it names none.
        """
        given, slash, name = text.rpartition("/")
        return cls(given if slash else namespace, name)

    @property
    def user(self) -> str:
        """The name that the API server knows it by."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

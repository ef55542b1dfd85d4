"""Who pulls an image, and the registry secrets of the cluster that it is pulled with."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.redaction import Secret

DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Puller:
    """The pods that pull an image, as far as it matters to a registry.

    Attributes:
        namespace: where they run, and where their secrets stand.
        secrets: the names of their ``imagePullSecrets``, in order.
        service_account: the name of their ServiceAccount, which may name more secrets.
    """

    namespace: str
    secrets: tuple[str, ...] = ()
    service_account: str = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True)
class PullSecret:
    """A registry secret of the cluster: where it stands and its docker config.

    Attributes:
        origin: ``namespace/name``, for messages.
        content: the JSON text of ``.dockerconfigjson``; of ``.dockercfg`` if it is a legacy one,
            which has the entries of ``auths`` at its top.
        is_legacy: whether its type is ``kubernetes.io/dockercfg``.
    """

    origin: str
    content: Secret
    is_legacy: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A place of the cluster that should hold registry secrets, and why we have none from it.

    Attributes:
        origin: ``the secret web/regcred`` or ``the ServiceAccount web/shop``.
        reason: what is wrong, as it follows a colon: ``it is not there``.
        may_pass: whether it may pass by itself.
    """

    origin: str
    reason: str
    may_pass: bool = False


PullCredential: TypeAlias = PullSecret | Unread
"""What came of one place where the pods' registry secrets could be."""

"""A registry secret of the cluster: what its reader hands to its user."""

from dataclasses import dataclass

from reconciler.core.redaction import Secret


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

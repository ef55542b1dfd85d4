"""Label and annotation keys of ApplySet (KEP-3659): other tools see by them whose objects are."""

import base64
import hashlib

from reconciler.release import VERSION

ID_LABEL = "applyset.kubernetes.io/id"
"""On the state object: the set's id."""

PART_OF_LABEL = "applyset.kubernetes.io/part-of"
"""On every object we apply: the id of the set it belongs to."""

TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling"
"""On the state object: which program keeps it. Another program's set is refused."""

_TOOL = "reconcile/"


def applyset_id(*, name: str, namespace: str) -> str:
    """Return the id of the set whose state object is the ConfigMap of that name.

    KEP-3659: ``applyset-<base64url(sha256(<name>.<namespace>.<kind>.<group>))>-v1``, unpadded.
    """
    identity = f"{name}.{namespace}.ConfigMap."
    digest = base64.urlsafe_b64encode(hashlib.sha256(identity.encode()).digest())
    return f"applyset-{digest.decode('ascii').rstrip('=')}-v1"


def tooling() -> str:
    """Return our value of the tooling annotation: ``reconcile/0.1.0``."""
    return f"{_TOOL}{VERSION}"


def is_our_tooling(annotation: str) -> bool:
    """Whether a tooling annotation is of any release of ours."""
    return annotation.startswith(_TOOL)

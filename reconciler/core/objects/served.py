"""What a cluster serves, and what nobody can say of it for the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.resource import Resource


@dataclass(frozen=True, slots=True)
class Served:
    """What a cluster serves.

    A group may have a server of its own behind the API server (an APIService). When that is down,
    nobody knows which kinds it has; the rest of the cluster is served all the same.

    Attributes:
        resources: by group-kind and version; of each group the preferred version first.
        silent: the versions of groups (``("metrics.k8s.io", "v1beta1")``) whose server does not
            answer, each with the reason.
        remembered: what the API server remembers of these, by group-kind. It tells whether a kind
            has a namespace; nothing can be asked for by it.
    """

    resources: Mapping[tuple[GroupKind, str], Resource]
    silent: Mapping[tuple[str, str], str] = field(default_factory=dict)
    remembered: Mapping[GroupKind, Resource] = field(default_factory=dict)

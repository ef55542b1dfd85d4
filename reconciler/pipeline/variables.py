"""Variables: what the settings and objects of the cluster give for a source's manifests."""

from collections.abc import Iterable

from reconciler.core.manifests.variables import Variable, Variables, VariableSource
from reconciler.pipeline.cluster_port import Cluster


def variables_of(sources: Iterable[VariableSource], cluster: Cluster) -> Variables | None:
    """Return the variables that are given; of the same name, the last one counts.

    None if a source lists none: then nothing is filled in.

    Raises:
        NotFoundError, RefusedError, AccessDeniedError, ClusterError: an object cannot be read.
    """
    given: dict[str, str] | None = None
    for each in sources:
        given = given or {}
        match each:
            case Variable(name, value):
                given[name] = value
            case _:
                given.update(cluster.values(each.kind, each.name))
    return None if given is None else Variables(given)

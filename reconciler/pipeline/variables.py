"""Variables: what the settings and objects of the cluster give for a source's manifests."""

from collections.abc import Iterable, Mapping

from reconciler.core.manifests.variables import (
    SECRET,
    Variable,
    Variables,
    VariablesFrom,
    VariableSource,
)
from reconciler.pipeline.cluster_port import Cluster


def variables_of(sources: Iterable[VariableSource], cluster: Cluster) -> Variables | None:
    """Return the variables that are given; of the same name, the last one counts.

    None if a source lists none: then nothing is filled in.

    Raises:
        NotFoundError, RefusedError, AccessDeniedError, ClusterError: an object cannot be read.
    """
    given: dict[str, str] | None = None
    secret: set[str] = set()
    for each in sources:
        given = given or {}
        match each:
            case Variable(name, value):
                found: Mapping[str, str] = {name: value}
            case _:
                found = cluster.values(each.kind, each.name)
        given.update(found)
        is_secret = isinstance(each, VariablesFrom) and each.kind == SECRET
        secret = secret | found.keys() if is_secret else secret - found.keys()
    return None if given is None else Variables(given, secret=frozenset(secret))

"""Build: the texts of a revision become the objects it wants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind
from reconciler.errors import ManifestError


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a revision wants.

    Attributes:
        objects: what is to be applied, in the order of paths and lines.
        ignored: objects marked to be left out of sync; never applied, and never pruned.
        problems: what could not be built; each holds back only itself, and all pruning.
        skipped_documents: how many documents are no Kubernetes objects.
    """

    objects: tuple[DesiredObject, ...] = ()
    ignored: tuple[DesiredObject, ...] = ()
    problems: tuple[ManifestError, ...] = ()
    skipped_documents: int = 0


def build(texts: Mapping[str, str]) -> BuildResult:
    """Return the objects of the given manifests (path to text).

    Namespaces are as written: whether a kind has one is not known here, see :func:`resolve`.
    """
    raise NotImplementedError


def resolve(
    built: BuildResult,
    *,
    namespaced: Callable[[GroupKind], bool | None],
    default_namespace: str,
) -> BuildResult:
    """Return the build with every object in its namespace and no object twice.

    Objects of namespaced kinds that name none get ``default_namespace``; a namespace written on an
    object of a cluster-scoped kind is taken off. Of objects that are the same then, none is
    applied: each is a problem naming all the files.

    Args:
        built: what :func:`build` gave.
        namespaced: whether a kind has a namespace; None if the cluster does not know the kind (its
            definition may be part of this very build): the object stays as it is written.
        default_namespace: for objects that name none.
    """
    raise NotImplementedError

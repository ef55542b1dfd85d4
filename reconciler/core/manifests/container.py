"""Containers as manifests write them: a name, and an image reference in one value or in several."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.document import Node, Scalar
from reconciler.core.manifests.value import is_null


@dataclass(frozen=True, slots=True)
class WrittenImage:
    """Where an image reference stands.

    Attributes:
        name: the value with its name, and with what has no value of its own; None if the name is
            not ours to read there.
        registry: the value that stands before the name.
        tag: the value with its tag alone.
        digest: the value with its digest alone.
        given_name: the name, where ``name`` is None.
        may_get_tag: whether a tag may be added to a name without one, which means ``latest``; else
            something else, a chart for instance, has a tag for it.
    """

    name: Scalar | None = None
    registry: Scalar | None = None
    tag: Scalar | None = None
    digest: Scalar | None = None
    given_name: str = ""
    may_get_tag: bool = False

    @property
    def text(self) -> str:
        """The whole reference."""
        name = self.given_name if self.name is None else self.name.value
        tag = f":{self.tag.value}" if self.tag is not None and self.tag.value else ""
        digest = f"@{self.digest.value}" if self.digest is not None and self.digest.value else ""
        return f"{self._prefix}{name}{tag}{digest}"

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """The values that an edit may change: that of the tag, and that of the digest."""
        first = self.name if self.tag is None else self.tag
        return tuple(each for each in (first, self.digest) if each is not None)

    @property
    def has_place_for_digest(self) -> bool:
        """Whether a digest can be written, without a value more than there are."""
        return self.digest is not None or self.tag is None or "@" in self.tag.value

    def values_for(self, new: ImageReference) -> Iterator[tuple[Scalar, str]]:
        """Yield what is to stand in which value, so that they say another tag or digest."""
        rest = new if self.digest is None else replace(new, digest=None)
        if self.tag is not None:
            yield self.tag, rest.suffix
        elif self.name is not None:
            yield self.name, str(rest).removeprefix(self._prefix)
        if self.digest is not None and new.digest is not None:
            yield self.digest, new.digest

    @property
    def _prefix(self) -> str:
        return f"{self.registry.value}/" if self.registry is not None else ""


@dataclass(frozen=True, slots=True)
class Container:
    """An entry of a pod spec's container lists, or what stands for one; ``image`` may be None."""

    name: str
    image: WrittenImage | None
    line: int


def filled(node: Node | None) -> Scalar | None:
    """Return a value that can be read and edited; one that is not written at all is none."""
    return node if isinstance(node, Scalar) and not is_null(node) else None


def whole(node: Node | None) -> WrittenImage | None:
    """Return the image of a value that holds all of it, as pod specs have it."""
    return WrittenImage(name=node, may_get_tag=True) if isinstance(node, Scalar) else None

"""Objects that a person hands over as text, as they are: an export, or what kubectl printed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.fields import mapping_of, text_of
from reconciler.core.objects.health import Health, Status, health_of
from reconciler.core.objects.identity import ObjectKey, split_api_version
from reconciler.errors import ManifestError

LIST = "List"


@dataclass(frozen=True, slots=True)
class GivenHealth:
    """How an object that was handed over is doing."""

    key: ObjectKey
    health: Health


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How everything in a text is doing.

    Attributes:
        objects: in the order of the text.
        problems: what cannot be read, or is no object; the others are unharmed.
    """

    objects: tuple[GivenHealth, ...] = ()
    problems: tuple[ManifestError, ...] = ()

    @property
    def is_failed(self) -> bool:
        """Whether a person must look: something failed for good, or cannot be read."""
        return bool(self.problems) or any(
            each.health.status is Status.FAILED for each in self.objects
        )

    @property
    def is_current(self) -> bool:
        """Whether everything is as its spec asks."""
        return not self.problems and all(each.health.is_current for each in self.objects)


def diagnose(text: str, *, path: str) -> Diagnosis:
    """Return the health of the objects in a text: YAML documents or JSON, lists item by item.

    Items of a typed list (``PodList``, as the API server answers) take kind and version from it.

    Args:
        text: what was handed over.
        path: its name, for messages.
    """
    objects: list[GivenHealth] = []
    problems: list[ManifestError] = []
    for document in yaml.parse_documents(text, path=path):
        try:
            if document.error is not None:
                raise document.error
            if document.root is not None:
                body = to_value(document.root, path=path)
                objects += _diagnosed(body, where=f"{path}:{document.root.line}")
        except ManifestError as error:
            problems.append(error)
        except RecursionError:
            problems.append(ManifestError("is nested too deeply", where=path))
    return Diagnosis(tuple(objects), tuple(problems))


def _diagnosed(body: object, *, where: str) -> list[GivenHealth]:
    return [GivenHealth(_key(item), health_of(item)) for item in _items(body, where=where)]


def _items(body: object, *, where: str) -> Iterator[Mapping[str, object]]:
    """Yield the objects of a document; the items of a list one by one, at any depth."""
    item = mapping_of(body)
    kind, api_version = text_of(item.get("kind")), text_of(item.get("apiVersion"))
    if not kind or not api_version:
        raise ManifestError("is no Kubernetes object: it has no apiVersion or no kind", where=where)
    items = item.get("items")
    if not kind.endswith(LIST) or not isinstance(items, list):
        yield item
        return
    inherited = {} if kind == LIST else {"kind": kind.removesuffix(LIST), "apiVersion": api_version}
    for number, each in enumerate(items):
        whole = {**inherited, **mapping_of(each)}
        yield from _items(whole, where=f"{where}: item {number}")


def _key(item: Mapping[str, object]) -> ObjectKey:
    group, _ = split_api_version(text_of(item.get("apiVersion")))
    metadata = mapping_of(item.get("metadata"))
    return ObjectKey(
        group,
        text_of(item.get("kind")),
        namespace=text_of(metadata.get("namespace")),
        name=text_of(metadata.get("name")),
    )

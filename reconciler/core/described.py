"""What a manifest's text describes: objects, problems, and documents that are no objects."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from reconciler.core.encrypted.documents import open_documents
from reconciler.core.encrypted.keys import Keys
from reconciler.core.encrypted.metadata import SOPS
from reconciler.core.encrypted.veils import texts_in, veiled_in
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.value import to_value
from reconciler.core.manifests.variables import SIGN, Variables
from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.reading import read_object
from reconciler.core.redaction import redact_quotes
from reconciler.errors import ManifestError

Found: TypeAlias = DesiredObject | ManifestError | None
"""What a document turns out to be; None: no Kubernetes object."""


def read_file(
    path: str, text: str, variables: Variables | None = None, *, keys: Keys | None = None
) -> Sequence[Found]:
    """Return a file's objects and problems, in the order of lines.

    Args:
        path: the file.
        text: what it says.
        variables: what to fill in; None: nothing. What was decrypted is taken as it is.
        keys: what opens encrypted documents; None: each is a problem.
    """
    return tuple(_read(path, text, variables if SIGN in text else None, keys))


def _documents(path: str, text: str, keys: Keys | None) -> Iterable[yaml.Document]:
    documents = yaml.documents_of(text, path=path)
    if keys is None or SOPS not in text:
        return documents
    return open_documents(list(documents), keys, path=path)


def _read(path: str, text: str, variables: Variables | None, keys: Keys | None) -> Iterator[Found]:
    """Yield a file's objects and problems; None for a document that is no object."""
    is_manifest: bool | None = None  # looked at once: many documents may be broken
    for document in _documents(path, text, keys):
        if document.error is not None:
            if is_manifest is None:
                is_manifest = yaml.looks_like_manifest(text)
            yield document.error if is_manifest else None
        elif document.root is not None:
            yield from _safely(document.root, path, variables)


def _safely(node: yaml.Node, path: str, variables: Variables | None) -> Iterator[Found]:
    """Yield what a node describes; aliases within aliases can be nested beyond all measure."""
    try:
        yield from list(_objects(node, path, variables))
    except ManifestError as error:
        yield error
    except RecursionError:
        yield ManifestError("is nested too deeply", where=f"{path}:{node.line}")


def _objects(node: yaml.Node, path: str, variables: Variables | None) -> Iterator[Found]:
    """Yield what a node describes: an object, or the items of a list one by one."""
    if not _is_object(node):
        yield _half_object(node, path)
        return
    for item in _items(node, path):
        try:
            yield _object(item, path, variables)
        except ManifestError as error:
            yield error


def _half_object(node: yaml.Node, path: str) -> ManifestError | None:
    """Return the problem of what would be an object but for a slip; else it is none at all.

    To overlook ``apiversion: v1`` would be to find that its object has left Git.
    """
    if not isinstance(node, yaml.Mapping):
        return None
    metadata = node.get("metadata")
    is_named = isinstance(metadata, yaml.Mapping) and metadata.get("name") is not None
    missing = [name for name in ("apiVersion", "kind") if not node.text(name)]
    if not is_named or len(missing) > 1:
        return None
    return ManifestError(f"has a metadata.name but no {missing[0]}", where=f"{path}:{node.line}")


def _object(node: yaml.Node, path: str, variables: Variables | None) -> DesiredObject:
    origin = Origin(path, node.line)
    if not _is_object(node):
        raise ManifestError("is an item of a list without apiVersion or kind", where=str(origin))
    if variables is not None:
        node = variables.filled(node, path=path)
    try:
        found = read_object(mapping_of(to_value(node, path=path)), origin)
    except ManifestError as error:  # it may quote a value
        message = redact_quotes(error.message, set(texts_in(node)))
        raise ManifestError(message, where=error.where) from None
    return found.veiled_at(veiled_in(node))


def _items(node: yaml.Node, path: str) -> Iterator[yaml.Node]:
    """Yield the items of a ``List`` (or ``ConfigMapList``), of lists in it too; else the node.

    Raises:
        ManifestError: an alias has an item stand twice: lists of such lists would never end.
    """
    seen: set[int] = set()
    awaiting = [node]
    while awaiting:
        each = awaiting.pop()
        if id(each) in seen:
            raise ManifestError("is an item of a list twice", where=f"{path}:{each.line}")
        seen.add(id(each))
        items = each.get("items") if isinstance(each, yaml.Mapping) and _is_list(each) else None
        if isinstance(items, yaml.Sequence):
            awaiting += reversed(items.inside)
        else:
            yield each


def _is_list(node: yaml.Mapping) -> bool:
    metadata = node.get("metadata")
    is_named = isinstance(metadata, yaml.Mapping) and metadata.get("name") is not None
    is_encrypted = node.get("sops") is not None
    return node.text("kind").endswith("List") and not is_named and not is_encrypted


def _is_object(node: yaml.Node) -> bool:
    return isinstance(node, yaml.Mapping) and bool(node.text("apiVersion") and node.text("kind"))

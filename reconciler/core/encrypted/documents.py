"""The documents of a file, with those decrypted that SOPS has encrypted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.core.encrypted.keys import Keys
from reconciler.core.encrypted.metadata import SOPS, metadata_of
from reconciler.core.encrypted.opening import open_tree
from reconciler.core.manifests import document as yaml
from reconciler.errors import ManifestError

_TOGETHER: Final = "is encrypted (sops) together with what cannot be decrypted:"


def is_sealed(document: yaml.Document) -> bool:
    """Whether a document has a ``sops`` block."""
    return isinstance(document.root, yaml.Mapping) and document.root.get(SOPS) is not None


def open_documents(
    documents: Sequence[yaml.Document], keys: Keys, *, path: str, is_whole: bool = False
) -> list[yaml.Document]:
    """Return the documents of a file, decrypted; one that cannot be has its error.

    What SOPS encrypts in one go has one hash, which stands in each of its documents: they are
    opened together, or not at all. A file may hold the documents of several.

    Args:
        documents: all of a file.
        keys: what opens them.
        path: the file.
        is_whole: whether documents that are no objects have errors too; else they are left as they
            are.
    """
    opened = list(documents)
    for places in _groups(documents).values():
        for at, document in _opened(places, keys, path, is_whole=is_whole).items():
            opened[at] = document
    return opened


def _groups(documents: Sequence[yaml.Document]) -> Mapping[str, dict[int, yaml.Document]]:
    """Return the encrypted documents by their hash, each with its place in the file."""
    groups: dict[str, dict[int, yaml.Document]] = {}
    for at, document in enumerate(documents):
        if isinstance(document.root, yaml.Mapping) and is_sealed(document):
            groups.setdefault(document.root.mapping(SOPS).text("mac"), {})[at] = document
    return groups


def _opened(
    places: Mapping[int, yaml.Document], keys: Keys, path: str, *, is_whole: bool
) -> Mapping[int, yaml.Document]:
    roots = [each.root for each in places.values() if isinstance(each.root, yaml.Mapping)]
    try:
        metadata = metadata_of(roots[0].get(SOPS), where=f"{path}:{roots[0].line}")
        found = open_tree(roots, metadata, keys, path=path)
    except ManifestError as error:
        return _failed(places, error, path, is_whole=is_whole)
    except RecursionError:
        deep = ManifestError("is nested too deeply", where=f"{path}:{roots[0].line}")
        return _failed(places, deep, path, is_whole=is_whole)
    return {
        at: replace(document, root=root)
        for (at, document), root in zip(places.items(), found, strict=True)
    }


def _failed(
    places: Mapping[int, yaml.Document], error: ManifestError, path: str, *, is_whole: bool
) -> Mapping[int, yaml.Document]:
    """Return documents with the error of one of them; what is no manifest is left as it is."""
    lines = {at: document.root.line for at, document in places.items() if document.root is not None}
    told = error.where.rpartition(":")[2]
    line = int(told) if told.isdigit() else 0
    of_all = line == min(lines.values())
    culprit = max((at for at in lines if lines[at] <= line), default=min(lines))
    failed: dict[int, yaml.Document] = {}
    for at, document in places.items():
        if not _is_object(document.root) and not is_whole:
            continue
        problem = error
        if at != culprit:
            words = error.message if of_all else f"{_TOGETHER} {error.where}"
            problem = ManifestError(words, where=f"{path}:{lines[at]}")
        failed[at] = yaml.Document(document.line, None, problem)
    return failed


def _is_object(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.Mapping) and bool(node.text("apiVersion") and node.text("kind"))

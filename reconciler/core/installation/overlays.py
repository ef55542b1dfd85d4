"""Builds our own kustomizations: as much of kustomize as they use, and no more."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.fields import items_of, mapping_of, text_of
from reconciler.errors import ManifestError

KUSTOMIZATION: Final = "kustomization.yaml"
_KNOWN: Final = frozenset(
    {"apiVersion", "kind", "resources", "labels", "commonAnnotations", "configMapGenerator"}
)

Body = dict[str, Any]


def built(folder: str, texts: Mapping[str, str]) -> list[Body]:
    """Return the objects of a kustomization, without what its ``configMapGenerator`` makes.

    Args:
        folder: where it is: ``base``.
        texts: all manifests, by path.

    Raises:
        ManifestError: a file is missing, or asks for what is not done here.
    """
    path = posixpath.join(folder, KUSTOMIZATION)
    kustomization = next(iter(_documents(path, texts)), {})
    if unknown := kustomization.keys() - _KNOWN:
        raise ManifestError(f"{', '.join(sorted(unknown))} is not done here", where=path)
    bodies: list[Body] = []
    for each in items_of(kustomization.get("resources")):
        target = posixpath.normpath(posixpath.join(folder, str(each)))
        is_file = target in texts
        bodies += list(_documents(target, texts)) if is_file else built(target, texts)
    for label in items_of(kustomization.get("labels")):
        pairs = mapping_of(mapping_of(label).get("pairs"))
        has_templates = mapping_of(label).get("includeTemplates") is True
        for body in bodies:
            _add("labels", pairs, body, has_templates=has_templates)
    annotations = mapping_of(kustomization.get("commonAnnotations"))
    for body in bodies:
        _add("annotations", annotations, body, has_templates=True)
    return bodies


def marks_of(folder: str, texts: Mapping[str, str]) -> Body:
    """Return the metadata that a kustomization gives all its objects: labels and annotations."""
    empty: Body = {"metadata": {}}
    kustomization = next(iter(_documents(posixpath.join(folder, KUSTOMIZATION), texts)), {})
    for label in items_of(kustomization.get("labels")):
        _add("labels", mapping_of(mapping_of(label).get("pairs")), empty, has_templates=False)
    annotations = mapping_of(kustomization.get("commonAnnotations"))
    _add("annotations", annotations, empty, has_templates=False)
    return dict(empty["metadata"])


def _documents(path: str, texts: Mapping[str, str]) -> Iterator[Body]:
    if path not in texts:
        raise ManifestError("is missing among our own manifests", where=path)
    for each in parse_documents(texts[path], path=path):
        if each.error is not None:
            raise each.error
        value = to_value(each.root, path=path) if each.root is not None else None
        if isinstance(value, dict):
            yield value


def _add(field: str, pairs: Mapping[str, object], body: Body, *, has_templates: bool) -> None:
    if not pairs:
        return
    targets = [body]
    template = mapping_of(mapping_of(body.get("spec")).get("template"))
    if has_templates and template:
        targets.append(dict(template))
        body["spec"] = {**body["spec"], "template": targets[-1]}
    for each in targets:
        metadata = dict(mapping_of(each.get("metadata")))
        metadata[field] = {**mapping_of(metadata.get(field)), **_texts(pairs)}
        each["metadata"] = metadata


def _texts(pairs: Mapping[str, object]) -> dict[str, str]:
    return {name: text_of(value) for name, value in pairs.items()}

"""Linting: all manifests of a folder become findings."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.build import build, resolve
from reconciler.core.described import read_file
from reconciler.core.lint.annotations import lint_annotations
from reconciler.core.lint.finding import Finding, Places, Rule
from reconciler.core.lint.images import lint_images
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.kustomization import is_kustomization_file
from reconciler.core.manifests.workload import workloads_in
from reconciler.core.objects.identity import GroupKind
from reconciler.errors import ManifestError, ReconcilerError

_NAMESPACED = frozenset({"apps", "batch"})  # groups of which every kind has a namespace
_WIDE = frozenset({"Namespace", "Node", "PersistentVolume"})  # of the core group: these have none

_SOPS = "sops"  # the key that encrypted objects have
_NOT_SEEN = "is encrypted (sops): what it says was not looked at"


@dataclass(frozen=True, slots=True)
class Lint:
    """What was found.

    Attributes:
        findings: in the order of paths and places, each once.
        files: how many manifests were read.
        other_documents: how many of their documents are no Kubernetes objects.
    """

    findings: tuple[Finding, ...]
    files: int
    other_documents: int


def lint(
    reports: Sequence[FileReport],
    texts: Mapping[str, str],
    problems: Iterable[ReconcilerError] = (),
    *,
    default_namespace: str,
) -> Lint:
    """Return what is wrong with manifests. Nobody is asked: what only a registry knows is left out.

    Args:
        reports: what all of them say about images, as a survey reads and links them.
        texts: the manifests by path.
        problems: what kept others from being read.
        default_namespace: of objects that name none.
    """
    places = Places(texts)
    read = {path: read_file(path, texts[path]) for path in texts if not is_kustomization_file(path)}
    built = build(_single(texts), read=lambda path, _text: read[path])
    resolved = resolve(built, namespaced=_is_namespaced, default_namespace=default_namespace)
    unread = [each for found in read.values() for each in found if isinstance(each, ManifestError)]
    encrypted = frozenset(_encrypted(texts))
    findings = [
        places.of_error(Rule.ENCRYPTED, ManifestError(_NOT_SEEN, where=each.where))
        if each.where in encrypted
        else places.of_error(Rule.INVALID, each)
        for each in unread
    ]
    errors = [*problems, *(each for report in reports for each in report.problems)]
    findings += [places.of_error(Rule.INVALID, each) for each in errors]
    twice = resolved.problems[len(built.problems) :]
    findings += [places.of_error(Rule.DUPLICATE, each) for each in twice]
    findings += lint_images(reports, places)
    for path, text in texts.items():
        findings += _of_workloads(path, text, places, default_namespace)
    return Lint(tuple(_without_echoes(findings)), len(texts), built.skipped_documents)


def _of_workloads(
    path: str, text: str, places: Places, default_namespace: str
) -> Iterator[Finding]:
    for document in yaml.documents_of(text, path=path):
        for workload in workloads_in(document.root, default_namespace=default_namespace, path=path):
            yield from lint_annotations(workload, path=path, places=places)


def _encrypted(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the places of encrypted objects: who lets another tool decrypt them has no fault."""
    for path, text in texts.items():
        for document in yaml.documents_of(text, path=path) if _SOPS in text else ():
            root = document.root
            if isinstance(root, yaml.Mapping) and root.get(_SOPS) is not None:
                yield f"{path}:{root.line}"


def _single(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the manifests that stand for themselves.

    In the folders of kustomizations the same object may well stand twice: one is a patch.
    """
    folders = {posixpath.dirname(path) for path in texts if is_kustomization_file(path)}
    return {path: text for path, text in texts.items() if not _is_inside(path, folders)}


def _is_inside(path: str, folders: set[str]) -> bool:
    while path:
        path = posixpath.dirname(path)
        if path in folders:
            return True
    return False


def _is_namespaced(kind: GroupKind) -> bool | None:
    """Return whether a kind has a namespace, as far as it is known without a cluster."""
    if kind.group:
        return True if kind.group in _NAMESPACED else None
    return kind.kind not in _WIDE


def _without_echoes(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in order, and what several checks found once: with the best column."""
    best: dict[tuple[str, int, str, str], Finding] = {}
    for each in findings:
        key = (each.path, each.line, each.word, each.message)
        known = best.get(key)
        if known is None or each.column > known.column:
            best[key] = each
    return sorted(best.values())

"""Diffs of manifests in which no value of a Secret is shown."""

from collections.abc import Iterator

from reconciler.core.difference import unified_diff
from reconciler.core.discretion import discreet
from reconciler.core.manifests.document import (
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    parse_documents,
)
from reconciler.core.objects.preview import LAST_APPLIED

_WORD = "Secret"
_VALUES = ("data", "stringData")


def manifest_diff(before: str, after: str, *, path: str) -> str:
    """Return the unified diff of two versions of a manifest; empty if equal.

    Values of Secrets are left out, also where they are but context: a Secret may stand beside the
    image that changes, in one file.
    """
    return discreet(
        unified_diff(before, after, path=path),
        before=secret_lines(before, path=path),
        after=secret_lines(after, path=path),
    )


def secret_lines(text: str, *, path: str) -> frozenset[int]:
    """Return the lines (from 1) that hold values of Secrets, wherever in a document these stand.

    Of a document that cannot be read, these are all lines.

    Args:
        text: the manifest.
        path: for messages.
    """
    if _WORD not in text:
        return frozenset()
    last = text.count("\n") + 1
    documents = parse_documents(text, path=path)
    ends = [document.line for document in documents[1:]] + [last + 1]
    found: set[int] = set()
    for document, end in zip(documents, ends, strict=True):
        found.update(_of_document(document, text, end))
    return frozenset(found)


def _of_document(document: Document, text: str, end: int) -> Iterator[int]:
    if document.error is not None:
        written = text.split("\n")
        first = document.line + (written[document.line - 1].strip() == "---")
        yield from range(first, end)
    elif document.root is not None:
        for scalar in _secret_scalars(document.root):
            lines = text.count("\n", scalar.start, scalar.end)
            yield from range(scalar.line, scalar.line + lines + 1)


def _secret_scalars(root: Node) -> Iterator[Scalar]:
    """Yield the values of all Secrets at or below a node, and copies that kubectl keeps."""
    for node in _below(root):
        if isinstance(node, Mapping):
            if node.text("kind") == _WORD:
                values = (node.get(name) for name in _VALUES)
                yield from (
                    each
                    for value in values
                    if value
                    for each in _below(value)
                    if isinstance(each, Scalar)
                )
            if isinstance(copy := node.get(LAST_APPLIED), Scalar):
                yield copy


def _below(root: Node) -> Iterator[Node]:
    """Yield a node and all below it, each once: an alias is the node that it names."""
    seen: set[int] = set()
    awaiting = [root]
    while awaiting:
        node = awaiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            if isinstance(node, (Mapping, Sequence)):
                awaiting += node.inside

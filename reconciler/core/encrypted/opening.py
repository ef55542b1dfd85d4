"""Encrypted documents become plain ones, if nobody has changed them."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.encrypted.keys import Keys
from reconciler.core.encrypted.metadata import SOPS, Metadata
from reconciler.core.encrypted.values import Plain, hashed_of, plain_of, sealed_of
from reconciler.core.manifests.document import Mapping, Node, Scalar
from reconciler.core.manifests.document import Sequence as Items
from reconciler.core.manifests.value import MAX_NODES
from reconciler.errors import ManifestError

CHANGED: Final = "is encrypted (sops), and was changed after that: its MAC is wrong"

_ONLY_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()
"""Begins the hash of the encrypted values alone, so that it is never that of all (``sops.go``)."""


def open_tree(
    roots: Sequence[Mapping], metadata: Metadata, keys: Keys, *, path: str
) -> list[Mapping]:
    """Return the documents that were encrypted together, decrypted and without ``sops`` blocks.

    Args:
        roots: all of them, in their order: one hash is of them all.
        metadata: of the first.
        keys: what opens them.
        path: their file.

    Raises:
        ManifestError: we are not among those who may read them, or they were changed.
    """
    where = f"{path}:{roots[0].line}"
    key = data_key(metadata, keys, where=where)
    walk = Walk(metadata, keys, key, path)
    opened = [walk.root(root) for root in roots]
    walk.check(where)
    return opened


def data_key(metadata: Metadata, keys: Keys, *, where: str) -> bytes:
    """Return the key that the values were encrypted with.

    Raises:
        ManifestError: we have no key for it; the message says for whom it is.
    """
    if metadata.groups > 1:
        raise ManifestError(
            f"is encrypted (sops) for {metadata.groups} groups of keys, of which several are "
            "needed: encrypt it for one group, with age",
            where=where,
        )
    if not metadata.wrapped:
        raise ManifestError(
            f"is encrypted (sops) for {metadata.recipients}, and not with age: add an age "
            "recipient of ours to it",
            where=where,
        )
    key = keys.data_key(metadata.wrapped)
    if key is None:
        why = "".join(f"; {each}" for each in keys.problems)
        raise ManifestError(
            f"is encrypted (sops) for {metadata.recipients}: none of these is ours{why}",
            where=where,
        )
    return key


@dataclass(slots=True)
class Walk:
    """Decrypts values in their order, and hashes them as it goes."""

    metadata: Metadata
    keys: Keys
    key: bytes
    path: str
    _hash: Any = field(default_factory=hashlib.sha512)
    _nodes: int = 0

    def __post_init__(self) -> None:
        """Begin the hash."""
        if self.metadata.is_mac_of_encrypted:
            self._hash.update(_ONLY_ENCRYPTED)

    def root(self, root: Mapping) -> Mapping:
        """Return a document decrypted."""
        return self._mapping(root, (), is_root=True)

    def scalar(self, scalar: Scalar, path: Sequence[str]) -> Scalar | None:
        """Return a value decrypted; None for a comment, which some formats keep as a value.

        Raises:
            ManifestError: it was changed, or is not encrypted and should be.
        """
        hashed = hashed_of(scalar)
        rule = self.metadata.is_encrypted
        is_encrypted = sealed_of(scalar.value) is not None if rule is None else rule(path)
        if hashed is None:
            return scalar  # null is never encrypted, nor hashed
        if not is_encrypted or not hashed:
            if is_encrypted or not self.metadata.is_mac_of_encrypted:
                self._hash.update(hashed)
            return scalar
        plain = self._opened(scalar, path)
        self._hash.update(plain.hashed)
        return plain.node

    def content(self, scalar: Scalar, path: Sequence[str]) -> bytes:
        """Return the bytes of a value, which need not be a text.

        Raises:
            ManifestError: it was changed.
        """
        sealed = sealed_of(scalar.value)
        try:
            context = "".join(f"{step}:" for step in path)
            opened = b"" if sealed is None else self.keys.open(sealed, self.key, context=context)
        except ValueError as error:
            where = f"{self.path}:{scalar.line}"
            raise ManifestError(f"is encrypted (sops), and {error}", where=where) from None
        self._hash.update(opened)
        return opened

    def check(self, where: str) -> None:
        """Refuse documents whose values are not the ones that were encrypted.

        Raises:
            ManifestError: their hash is another one, or cannot be read.
        """
        sealed = sealed_of(self.metadata.mac)
        try:
            wanted = (
                self.keys.open(sealed, self.key, context=self.metadata.last_modified)
                if sealed is not None
                else b""
            )
        except ValueError:
            wanted = b""
        if not hmac.compare_digest(wanted, self._hash.hexdigest().upper().encode()):
            raise ManifestError(CHANGED, where=where)

    def _opened(self, scalar: Scalar, path: Sequence[str]) -> Plain:
        where = f"{self.path}:{scalar.line}"
        name = ".".join(path)[:200]
        sealed = sealed_of(scalar.value)
        if sealed is None:
            raise ManifestError(f"is encrypted (sops), and its {name} is not", where=where)
        try:
            context = "".join(f"{step}:" for step in path)
            opened = self.keys.open(sealed, self.key, context=context)
            return plain_of(opened, sealed.type, scalar)
        except ValueError as error:
            raise ManifestError(
                f"is encrypted (sops), and its {name} {error}", where=where
            ) from None

    def _node(self, node: Node, path: tuple[str, ...]) -> Node | None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ManifestError(f"has more than {MAX_NODES:,} nodes", where=self.path)
        match node:
            case Scalar():
                return self.scalar(node, path)
            case Items():
                items = Items(node.line, node.tag)
                found = (self._node(each, path) for each in node.inside)
                items.inside = [each for each in found if each is not None]
                return items
            case Mapping():
                return self._mapping(node, path)

    def _mapping(self, node: Mapping, path: tuple[str, ...], *, is_root: bool = False) -> Mapping:
        mapping = Mapping(node.line, node.tag)
        for key, value in node.entries:
            where = f"{self.path}:{key.line}"
            if not isinstance(key, Scalar):
                raise ManifestError("a key must be a text", where=where)
            if is_root and key.value == SOPS:
                continue
            opened = self._node(value, (*path, key.value))
            if opened is None:
                raise ManifestError("is a comment in place of a value", where=where)
            mapping.inside += (key, opened)
        return mapping

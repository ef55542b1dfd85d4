"""Objects as Git wants them."""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from reconciler.core.objects import marks
from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.fields import field_of, leaves_of, mapping_of, texts_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.redaction import redact_quotes

SECRET = GroupKind("", "Secret")
MIN_KEY_BYTES = 16

_VEILED = "*"
_IDENTIFYING = frozenset(
    {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}
)


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a document begins; prints ``workloads/nginx.yaml:12``."""

    path: str
    line: int  # of the document's first line, from 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One object that a manifest describes.

    Attributes:
        key: which object. Its namespace is as written until :func:`reconciler.core.build.resolve`.
        version: the API version without the group: ``v1``.
        body: what is sent, JSON-compatible and without our label; treated as immutable.
        origin: where it is written.
        veiled: the fields of the body that nobody is to be shown, since they were decrypted: the
            names from the root; what is below such a field is veiled with it.
    """

    key: ObjectKey
    version: str
    body: Mapping[str, object]
    origin: Origin
    veiled: frozenset[tuple[str, ...]] = frozenset()

    @property
    def api_version(self) -> str:
        """``apiVersion`` as written: ``apps/v1``, or ``v1`` for the core group."""
        return f"{self.key.group}/{self.version}" if self.key.group else self.version

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's own annotations, not those of its pod template."""
        return texts_of(self._metadata.get("annotations"))

    @property
    def is_ignored(self) -> bool:
        """Whether it is left out of sync (``fluxcd.io/ignore: "true"``)."""
        return marks.is_ignored(self.annotations)

    @property
    def is_prune_disabled(self) -> bool:
        """Whether it is never deleted (``reconcile/prune: disabled``)."""
        return marks.is_prune_disabled(self.annotations)

    @property
    def is_forced(self) -> bool:
        """Whether it is made anew where a field cannot change (``reconcile/force: enabled``)."""
        return marks.is_forced(self.annotations)

    @property
    def is_secret(self) -> bool:
        """Whether it holds what nobody is to be shown: it is a Secret, or has veiled fields."""
        return self.key.group_kind == SECRET or bool(self.veiled)

    def veiled_at(self, paths: Collection[tuple[str, ...]]) -> "DesiredObject":
        """Return the same object with these fields veiled too, but for those that identify it."""
        found = frozenset(path for path in paths if path not in _IDENTIFYING)
        return replace(self, veiled=self.veiled | found) if found else self

    def without_secrets(self, message: str) -> str:
        """Return a message about the object with nothing in it of what was decrypted."""
        if not (self.veiled and message):
            return message
        texts = {text for path in self.veiled for text in leaves_of(field_of(self.body, *path))}
        if self.key.group_kind == SECRET:
            values = texts_of(self.body.get("data")).values()
            texts |= {*values, *map(_decoded, values)}
        return redact_quotes(message, texts)

    def in_namespace(self, namespace: str) -> "DesiredObject":
        """Return the same object in that namespace, in key and body; empty for cluster-scoped."""
        if namespace == self.key.namespace and bool(namespace) == ("namespace" in self._metadata):
            return self
        metadata = {name: value for name, value in self._metadata.items() if name != "namespace"}
        if namespace:
            metadata["namespace"] = namespace
        key = replace(self.key, namespace=namespace)
        return replace(self, key=key, body={**self.body, "metadata": metadata})

    def labelled(self, labels: Mapping[str, str]) -> Mapping[str, object]:
        """Return the body with these labels added: what is sent."""
        merged = {**mapping_of(self._metadata.get("labels")), **labels}
        return {**self.body, "metadata": {**self._metadata, "labels": merged}}

    def digest(self, secret_key: bytes) -> str:
        """Return a hash of the body, the same for every order of its keys: 22 characters.

        That of an object with veiled fields begins with a mark: when it has left Git, nothing else
        tells that it is not to be shown (:func:`is_of_veiled`).

        Args:
            secret_key: at least 16 bytes, kept in a Secret. The hash of a Secret, and of what was
                decrypted, is keyed with it (HMAC), so that who reads the state object cannot try
                out values; others ignore it.
        """
        if not self.is_secret:
            return digest_of(self.body)
        if len(secret_key) < MIN_KEY_BYTES:
            raise ValueError(f"the key for hashing Secrets is under {MIN_KEY_BYTES} bytes")
        found = digest_of(self.body, key=secret_key)
        return f"{_VEILED}{found}" if self.veiled and self.key.group_kind != SECRET else found

    @property
    def _metadata(self) -> Mapping[str, object]:
        return mapping_of(self.body.get("metadata"))


def is_of_veiled(digest: str) -> bool:
    """Whether a hash is of an object with veiled fields."""
    return digest.startswith(_VEILED)


def _decoded(text: str) -> str:
    """Return what base64 says, as far as it is a text."""
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return text

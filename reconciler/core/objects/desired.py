"""Objects as Git wants them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.core.objects import marks
from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.fields import mapping_of, texts_of
from reconciler.core.objects.identity import GroupKind, ObjectKey

SECRET = GroupKind("", "Secret")
MIN_KEY_BYTES = 16


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
    """

    key: ObjectKey
    version: str
    body: Mapping[str, object]
    origin: Origin

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

        Args:
            secret_key: at least 16 bytes, kept in a Secret. A Secret's hash is keyed with it
                (HMAC), so that who reads the state object cannot try out values; others ignore it.
        """
        if self.key.group_kind != SECRET:
            return digest_of(self.body)
        if len(secret_key) < MIN_KEY_BYTES:
            raise ValueError(f"the key for hashing Secrets is under {MIN_KEY_BYTES} bytes")
        return digest_of(self.body, key=secret_key)

    @property
    def _metadata(self) -> Mapping[str, object]:
        return mapping_of(self.body.get("metadata"))

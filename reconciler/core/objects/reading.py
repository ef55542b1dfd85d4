"""A document's value becomes the object it describes."""

import base64
from collections.abc import Mapping

from reconciler.core.objects.desired import SECRET, DesiredObject, Origin
from reconciler.core.objects.fields import field_of, items_of, mapping_of, text_of
from reconciler.core.objects.filled_in import without_filled_in
from reconciler.core.objects.identity import ObjectKey, split_api_version
from reconciler.errors import ManifestError

NOT_GIVEN = "is encrypted (sops), and decryption is not set up (--sops-age-key-file)"

_REFUSED = ("managedFields", "resourceVersion", "uid")
_DROPPED = frozenset({"creationTimestamp", "generation", "selfLink"})


def read_object(body: Mapping[str, object], origin: Origin) -> DesiredObject:
    """Return the object that a document with ``apiVersion`` and ``kind`` describes.

    What the server fills in is treated as ``kubectl apply --server-side`` treats it. ``uid``,
    ``resourceVersion`` and ``managedFields`` stem from an export, and the API server would refuse
    them (the first two as soon as the object moves on): so do we. ``creationTimestamp``,
    ``generation`` and ``selfLink`` it ignores: they are dropped. ``status`` it ignores where it is
    a subresource and takes where it is not: it is sent as it is written.

    A Secret's ``stringData`` becomes ``data``, as the API server would make of it: but it would
    note that we own ``stringData``, and nobody the ``data`` that somebody may change.

    What others are to fill in is dropped: see :func:`without_filled_in`.

    Raises:
        ManifestError: it cannot be applied.
    """
    problem = _problem(body)
    if problem:
        raise ManifestError(problem, where=str(origin))
    fields = mapping_of(body.get("metadata"))
    metadata = {name: value for name, value in fields.items() if name not in _DROPPED}
    group, version = split_api_version(text_of(body.get("apiVersion")))
    key = ObjectKey(
        group,
        text_of(body.get("kind")),
        namespace=text_of(metadata.get("namespace")),
        name=text_of(metadata.get("name")),
    )
    whole = {**body, "metadata": metadata}
    encoded = _encoded(whole) if _is_secret(body) else whole
    return DesiredObject(key, version, without_filled_in(key.group_kind, encoded), origin)


def _problem(body: Mapping[str, object]) -> str:
    """Return why an object cannot be applied; empty if it can."""
    if "sops" in body:
        return f"{NOT_GIVEN}{_recipients(body['sops'])}"
    for name in ("apiVersion", "kind"):
        if not text_of(body.get(name)):
            return f"{name} is not a text: {body.get(name)!r}"
    return _identity_problem(body.get("metadata")) or _secret_problem(body)


def _recipients(block: object) -> str:
    """Return for whom a ``sops`` block says that it was encrypted, with age."""
    ages = (text_of(field_of(each, "recipient")) for each in items_of(field_of(block, "age")))
    found = ", ".join(each[:100] for each in ages if each)
    return f": it is for {found[:500]}" if found else ""


def _identity_problem(metadata: object) -> str:
    """Return why it is not clear which object is meant; empty if it is."""
    fields = mapping_of(metadata)
    name, namespace = fields.get("name"), fields.get("namespace")
    if not name and fields.get("generateName"):
        return "has a generateName: every sync would create another object; give it a name"
    problem = _name_problem(name)
    if problem:
        return problem
    if namespace is not None and not isinstance(namespace, str):
        return f"metadata.namespace is not a text: {namespace!r}; put it in quotes"
    if namespace and _leaves_its_place(namespace):
        return f"metadata.namespace cannot be part of a path: {namespace!r}"
    exported = [field for field in _REFUSED if fields.get(field)]
    if exported:
        return f"was exported from a cluster: remove metadata.{exported[0]}"
    return ""


def _name_problem(name: object) -> str:
    """Return why a name is none; the last rule is the API server's ``IsValidPathSegmentName``."""
    if name is None or name == "":
        return "has no metadata.name"
    if not isinstance(name, str):
        return f"metadata.name is not a text: {name!r}; put it in quotes"
    if _leaves_its_place(name):
        return f"metadata.name cannot be part of a path: {name!r}"
    return ""


def _leaves_its_place(name: str) -> bool:
    """Whether a name would be read as another path; nothing of the kind is an object's name."""
    return name in (".", "..") or any(letter in name for letter in "/%")


def _secret_problem(body: Mapping[str, object]) -> str:
    """Return why a Secret's values are none, in words that do not hold them.

    The API server would refuse them too, and quote them: ``.stringData.pin: expected string, got
    &value.valueUnstructured{Value:271828}``. Its words go into logs.
    """
    if not _is_secret(body):
        return ""
    for field in ("data", "stringData"):
        values = body.get(field)
        if values is not None and not isinstance(values, Mapping):
            return f"{field} of a Secret is no mapping"
        for name, value in mapping_of(values).items():
            if value is not None and not isinstance(value, str):
                return f"{field}.{name} of a Secret is no text: put it in quotes"
    return ""


def _is_secret(body: Mapping[str, object]) -> bool:
    return (body.get("apiVersion"), body.get("kind")) == ("v1", SECRET.kind)


def _encoded(body: Mapping[str, object]) -> Mapping[str, object]:
    """Return a Secret with what its ``stringData`` says in ``data``, where it wins."""
    texts = mapping_of(body.get("stringData"))
    rest = {name: value for name, value in body.items() if name != "stringData"}
    if not texts:
        return rest
    encoded = {
        name: base64.b64encode(text_of(value).encode()).decode() for name, value in texts.items()
    }
    return {**rest, "data": {**mapping_of(body.get("data")), **encoded}}

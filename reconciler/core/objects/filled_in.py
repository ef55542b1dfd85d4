"""What is written in a manifest only to be filled in by others in the cluster: it is not sent.

They would be undone by us, and we by them, for ever, and nothing would work in between.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TypeAlias

from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.identity import GroupKind

_ADMISSION = "admissionregistration.k8s.io"

_Body: TypeAlias = Mapping[str, object]


def without_filled_in(kind: GroupKind, body: _Body) -> _Body:
    """Return an object without the fields that others are to fill in.

    These are the ``rules`` of a ClusterRole with an ``aggregationRule`` and the revision that a
    Deployment was exported with, which the control plane overwrites, and every ``caBundle`` that
    holds no certificate: an empty one, or the ``Cg==`` that kubebuilder writes. A certificate is
    put there by cert-manager's cainjector or the like. Annotations, labels and data that are empty
    come to the same when they are left out; else the first of them that somebody adds would look
    as if a field of ours were changed.

    Args:
        kind: of the object.
        body: the object; it is not changed.
    """
    strip = _STRIPPED.get(kind)
    stripped = strip(body) if strip else body
    for path in _MAY_BE_EMPTY:
        stripped = _without_empty(path, stripped)
    if kind in _WITH_DATA:
        stripped = _without_empty(("data",), stripped)
    return stripped


def _without_empty(path: tuple[str, ...], body: _Body) -> _Body:
    """Return a body without what lies at a path, if that is an empty mapping or null."""
    head, *rest = path
    if head not in body:
        return body
    value = body[head]
    if not rest:
        return _without(head, body) if value is None or value == {} else body
    inner = mapping_of(value)
    stripped = _without_empty(tuple(rest), inner)
    return body if stripped is inner else {**body, head: stripped}


def _without_rules(body: _Body) -> _Body:
    return body if body.get("aggregationRule") is None else _without("rules", body)


def _without_revision(body: _Body) -> _Body:
    metadata = mapping_of(body.get("metadata"))
    annotations = mapping_of(metadata.get("annotations"))
    if _REVISION not in annotations:
        return body
    return {**body, "metadata": {**metadata, "annotations": _without(_REVISION, annotations)}}


def _with_webhooks(body: _Body) -> _Body:
    webhooks = body.get("webhooks")
    if not isinstance(webhooks, list):
        return body
    return {**body, "webhooks": [_at(("clientConfig",), each) for each in webhooks]}


def _at(path: tuple[str, ...], value: object) -> object:
    """Return a value without the placeholder of a bundle in what lies at a path."""
    if not isinstance(value, Mapping):
        return value
    if path:
        head, *rest = path
        return {**value, head: _at(tuple(rest), value[head])} if head in value else value
    return _without(_BUNDLE, value) if _is_placeholder(value.get(_BUNDLE)) else value


def _without(name: str, body: _Body) -> _Body:
    return {field: value for field, value in body.items() if field != name}


def _is_placeholder(bundle: object) -> bool:
    """Whether a bundle says nothing: it is null, or base64 of white space."""
    if bundle is None:
        return True
    try:
        return isinstance(bundle, str) and not base64.b64decode(bundle, validate=True).strip()
    except (binascii.Error, ValueError):
        return False


def _deep(*path: str) -> Callable[[_Body], _Body]:
    return lambda body: mapping_of(_at(path, body))


_BUNDLE = "caBundle"
_REVISION = "deployment.kubernetes.io/revision"
_MAY_BE_EMPTY = (
    ("metadata", "annotations"),
    ("metadata", "labels"),
    ("spec", "template", "metadata", "annotations"),
)
_WITH_DATA = frozenset({GroupKind("", "ConfigMap"), GroupKind("", "Secret")})
_STRIPPED: Mapping[GroupKind, Callable[[_Body], _Body]] = {
    GroupKind("apps", "Deployment"): _without_revision,
    GroupKind("rbac.authorization.k8s.io", "ClusterRole"): _without_rules,
    GroupKind(_ADMISSION, "MutatingWebhookConfiguration"): _with_webhooks,
    GroupKind(_ADMISSION, "ValidatingWebhookConfiguration"): _with_webhooks,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _deep(
        "spec", "conversion", "webhook", "clientConfig"
    ),
    GroupKind("apiregistration.k8s.io", "APIService"): _deep("spec"),
}

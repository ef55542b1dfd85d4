"""What a sync would change, as a diff for people: what is our doing, and no secret of a Secret."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from reconciler.core.difference import unified_diff
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.desired import SECRET
from reconciler.core.objects.effect import effect_of, own_part
from reconciler.core.objects.fields import field_of, mapping_of
from reconciler.core.objects.resource import Preview
from reconciler.core.objects.yaml_text import yaml_text
from reconciler.core.redaction import MASK

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MAX_LINE: Final = 500  # characters of a line that are shown
MAX_LINES: Final = 200  # of a text that has nothing to be compared with

_FILLED_IN: Final = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
)
_SECRETS: Final = ("data", "stringData")


def object_diff(
    preview: Preview,
    *,
    name: str,
    wanted: Mapping[str, object] | None = None,
    veiled: Collection[tuple[str, ...]] = (),
) -> str:
    """Return the unified diff between an object as it is and as it would be; empty if equal.

    Both are shown as YAML, without what the API server fills in and admission webhooks set, and
    without what ``kubectl`` notes in an annotation. Of a Secret's values it is shown whether they
    change, and nothing else. Long lines are cut, binary data is told by size and hash.

    Args:
        preview: what was found out.
        name: of the object.
        wanted: the object as Git has it; None: it left Git, or whatever changes is shown.
        veiled: fields that are masked as a Secret's values are, as names from the root.
    """
    old, new = _sides(preview, wanted)
    if veiled:
        paths = {*veiled, *_removed(old, new, veiled)}
        old, new = _veiled(old, new, "before", paths), _veiled(new, old, "after", paths)
    return unified_diff(
        "" if old is None else _shown(old, new, "before"),
        "" if new is None else _shown(new, old, "after"),
        path=name,
    )


def _sides(
    preview: Preview, wanted: Mapping[str, object] | None
) -> tuple[Mapping[str, object] | None, Mapping[str, object] | None]:
    """Return what is compared; None for an object that is not there."""
    before, after = preview.before, preview.after
    if after is None:
        return None if before is None else own_part(before), None
    return before, after if wanted is None else effect_of(before, after, wanted)


def _is_secret(item: Mapping[str, object]) -> bool:
    return item.get("kind") == SECRET.kind and item.get("apiVersion") == "v1"


def _shown(item: Mapping[str, object], other: Mapping[str, object] | None, when: str) -> str:
    """Return the text of an object that is compared with another one, or with none."""
    body = {key: value for key, value in item.items() if key != "status"}
    body["metadata"] = _metadata(mapping_of(body.get("metadata")))
    counterpart = mapping_of(other)
    if _is_secret(item):
        for key in _SECRETS:
            if key in body:
                body[key] = _masked(mapping_of(body[key]), mapping_of(counterpart.get(key)), when)
    if isinstance(binary := body.get("binaryData"), Mapping):
        body["binaryData"] = {key: _summary(str(value)) for key, value in binary.items()}
    return yaml_text({key: _shortened(body[key], counterpart.get(key)) for key in body})


def values_of(item: Mapping[str, object]) -> tuple[tuple[str, ...], ...]:
    """Return the fields that are all an object has beside what it is, as names from the root."""
    names = (each for each in item if each not in {"apiVersion", "kind", "metadata"})
    return (*((name,) for name in names), ("metadata", "annotations"))


def _removed(
    old: Mapping[str, object] | None,
    new: Mapping[str, object] | None,
    veiled: Collection[tuple[str, ...]],
) -> Iterator[tuple[str, ...]]:
    """Yield the fields that stood beside veiled ones and go: they were veiled as well, perhaps."""
    for around in {path[:-1] for path in veiled if len(path) > 1}:
        kept = mapping_of(field_of(new, *around))
        yield from ((*around, n) for n in mapping_of(field_of(old, *around)) if n not in kept)


def _veiled(
    item: Mapping[str, object] | None,
    other: Mapping[str, object] | None,
    when: str,
    paths: Collection[tuple[str, ...]],
) -> Mapping[str, object] | None:
    """Return an object with fields masked; one that is not there stays None."""
    body = item
    for path in paths:
        value, counterpart = field_of(item, *path), field_of(other, *path)
        if value is not None and body is not None:
            is_changed = counterpart is not None and counterpart != value
            body = _with(body, path, f"{MASK} ({when})" if is_changed else MASK)
    return body


def _with(body: Mapping[str, object], path: tuple[str, ...], value: str) -> Mapping[str, object]:
    name, *rest = path
    inside = _with(mapping_of(body.get(name)), tuple(rest), value) if rest else value
    return {**body, name: inside}


def _metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
    """Return the metadata that somebody wrote; labels and annotations only if some are left."""
    shown = {key: value for key, value in metadata.items() if key not in _FILLED_IN}
    for key, hidden in (("labels", PART_OF_LABEL), ("annotations", LAST_APPLIED)):
        if hidden in (values := mapping_of(shown.get(key))):
            shown[key] = {name: text for name, text in values.items() if name != hidden}
            if not shown[key]:
                del shown[key]
    return shown


def _masked(
    values: Mapping[str, object], others: Mapping[str, object], when: str
) -> Mapping[str, str]:
    """Return masks in the manner of ``kubectl diff``, by which one sees which values change."""
    return {
        name: f"{MASK} ({when})" if name in others and others[name] != value else MASK
        for name, value in values.items()
    }


def _summary(encoded: str) -> str:
    digest = hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    padding = len(encoded) - len(encoded.rstrip("="))
    return f"({len(encoded) * 3 // 4 - padding:,} bytes, hash {digest})"


def _shortened(value: object, other: object) -> object:
    """Return a value with long texts cut; what is cut is told by a hash, so that a change shows."""
    if isinstance(value, Mapping):
        return {key: _shortened(each, mapping_of(other).get(key)) for key, each in value.items()}
    if isinstance(value, list):
        items = other if isinstance(other, list) and len(other) == len(value) else value
        return [_shortened(each, items[at]) for at, each in enumerate(value)]
    if not isinstance(value, str) or len(value) <= MAX_LINE:
        return value
    lines = value.split("\n")
    if len(lines) > MAX_LINES and not isinstance(other, str):
        rest = "\n".join(lines[MAX_LINES:])
        lines = [*lines[:MAX_LINES], f"… {len(lines) - MAX_LINES:,} more lines, {_hash(rest)}"]
    return "\n".join(map(_cut, lines))


def _cut(line: str) -> str:
    if len(line) <= MAX_LINE:
        return line
    rest = line[MAX_LINE:]
    return f"{line[:MAX_LINE]}… {len(rest):,} more characters, {_hash(rest)}"


def _hash(text: str) -> str:
    return f"hash {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"

"""The state object's values: compact, versioned JSON in as few texts as fit."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.fields import items_of, mapping_of, text_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.errors import RefusedError

SCHEMA_VERSION = 1
"""Raised only by what an older release must not ignore: that then refuses to go on. What it may
ignore is added without: it keeps what it does not know as it is (docs/adr/0015)."""

MAX_SHARD_BYTES = 900_000  # a ConfigMap holds 1 MiB in all

_COLUMNS = 8
_KNOWN = frozenset(
    {"v", "source", "revision", "shards", "parts", "objects"}
    | {"identity", "seen", "left", "unsettled", "former"}
)

_PARTS = re.compile(r'"shards":\s*([1-9][0-9]*)')
_PARTS_WITHIN = 2_000  # characters: the objects come after it
_MOST_PARTS = 256  # 200 MB: whoever says more is mistaken

_NAME = re.compile(r"state\.(0|[1-9][0-9]{0,5})\.json")


class _LostError(Exception):
    """The values cannot be understood; says why."""


def encode(state: SourceState, *, max_bytes: int = MAX_SHARD_BYTES) -> Mapping[str, str]:
    """Return the state as values for ConfigMaps: ``{"state.0.json": …, "state.1.json": …}``.

    One text, or two, four, eight … if one would pass 900 kB; as a ConfigMap holds 1 MiB in all,
    each needs a ConfigMap of its own. Write the highest number first and ``state.0.json`` last,
    then delete those that are not in the answer any more: an object stays in the same text as long
    as their number is the same, and ``state.0.json`` says how many belong to it, so whenever the
    writing is interrupted no object is lost. The same state gives the same bytes.
    """
    entries = sorted(state.entries.values(), key=lambda entry: _place(entry.key))
    shards = [entries]
    texts = _texts(state, shards)
    while max(map(len, texts)) > max_bytes and len(shards) <= len(entries):
        shards = _spread(entries, 2 * len(shards))
        texts = _texts(state, shards)
    parts = [digest_of(text) for text in texts[1:]]
    texts[0] = _shard_text(state, shards[0], len(shards), is_first=True, parts=parts)
    return {f"state.{number}.json": text for number, text in enumerate(texts)}


def decode(shards: Mapping[str, str], *, source: str) -> SourceState:
    """Return the state that :func:`encode` gave, from the values of all its ConfigMaps together.

    No values at all are an empty state; other names are left aside. Values that cannot be
    understood (edited by hand, one missing) are a lost state, see :attr:`SourceState.lost`. Values
    that were not written together are all of them believed, see :attr:`SourceState.doubt`.

    Raises:
        RefusedError: they are of a newer schema than we know, or of another source.
    """
    named = ((_NAME.fullmatch(name), text) for name, text in shards.items())
    texts = {int(match[1]): text for match, text in named if match}
    try:
        return _decoded(texts, source) if texts else SourceState(source)
    except _LostError as problem:
        return SourceState(source, lost=str(problem))


def count_of_parts(text: str) -> int:
    """Return how many values belong together, as one of them says; 1 if it does not say."""
    found = _PARTS.search(text[:_PARTS_WITHIN])
    return min(int(found[1]), _MOST_PARTS) if found else 1


def _texts(state: SourceState, shards: Sequence[Sequence[InventoryEntry]]) -> list[str]:
    count = len(shards)
    return [
        _shard_text(state, entries, count, is_first=number == 0)
        for number, entries in enumerate(shards)
    ]


def _shard_text(
    state: SourceState,
    entries: Sequence[InventoryEntry],
    count: int,
    *,
    is_first: bool,
    parts: Sequence[str] = (),
) -> str:
    rows = [_row(entry) for entry in entries]
    shard: dict[str, object] = {
        "v": SCHEMA_VERSION,
        "source": state.source,
        "revision": state.revision,
        "shards": count,
    }
    if is_first:
        more = {
            "parts": list(parts),
            "identity": state.identity,
            "seen": state.seen,
            "left": _rows(state.left),
            "unsettled": _rows(state.unsettled),
            "former": state.former,
        }
        shard |= {name: value for name, value in more.items() if value} | dict(state.unknown)
    return json.dumps({**shard, "objects": rows}, separators=(",", ":"), ensure_ascii=True)


def _spread(entries: Sequence[InventoryEntry], count: int) -> list[list[InventoryEntry]]:
    """Return the entries by the number of their shard, in the same order."""
    shards: list[list[InventoryEntry]] = [[] for _ in range(count)]
    for entry in entries:
        shards[_home(entry.key, count)].append(entry)
    return shards


def _place(key: ObjectKey) -> tuple[str, str, str, str]:
    """Return what keys are ordered by; a tuple is compared in a third of the time."""
    return key.group, key.kind, key.namespace, key.name


def _home(key: ObjectKey, count: int) -> int:
    """Return the number of the shard an object lives in: stable as long as their count is."""
    name = f"{key.group}\0{key.kind}\0{key.namespace}\0{key.name}"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") % count


def _row(entry: InventoryEntry) -> list[object]:
    key = entry.key
    row: list[object] = [key.group, key.kind, key.namespace, key.name, entry.version]
    row += [entry.uid, entry.desired_digest, entry.entry_digest]
    if entry.unknown:
        return [*row, *items_of(json.loads(entry.unknown))]
    return [*row, 1] if entry.is_abandoned else row


def _decoded(texts: Mapping[int, str], source: str) -> SourceState:
    shards = {number: _shard(number, text, source) for number, text in texts.items()}
    first = shards.get(0, {})
    count = first.get("shards")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise _LostError("state.0.json is missing, or does not say how many belong to it")
    if count > len(shards) or any(
        shards.get(number, {}).get("shards") != count for number in range(count)
    ):
        raise _LostError(f"not all of its {count} parts are there")
    entries = [
        _entry(items_of(row))
        for number in range(count)
        for row in items_of(shards[number].get("objects"))
    ]
    return SourceState(
        source=source,
        revision=text_of(first.get("revision")),
        entries={entry.key: entry for entry in entries},
        doubt=_doubt(texts, first),
        identity=text_of(first.get("identity")),
        seen=text_of(first.get("seen")),
        left=frozenset(_keys(items_of(first.get("left")))),
        unsettled=frozenset(_keys(items_of(first.get("unsettled")))),
        former=text_of(first.get("former")),
        unknown={name: value for name, value in first.items() if name not in _KNOWN},
    )


def _doubt(texts: Mapping[int, str], first: Mapping[str, object]) -> str:
    """Return what speaks against these texts having been written together; empty for nothing."""
    parts = items_of(first.get("parts"))
    torn = [n for n, part in enumerate(parts, start=1) if digest_of(texts.get(n, "")) != part]
    return f"state.{torn[0]}.json was not written together with state.0.json" if torn else ""


def _rows(keys: Iterable[ObjectKey]) -> list[list[str]]:
    return [[key.group, key.kind, key.namespace, key.name] for key in sorted(keys)]


def _keys(rows: Sequence[object]) -> Iterator[ObjectKey]:
    for row in rows:
        cells = [text_of(cell) for cell in items_of(row)]
        if len(cells) == 4:  # noqa: PLR2004 - group, kind, namespace, name
            yield ObjectKey(*cells)


def _shard(number: int, text: str, source: str) -> Mapping[str, object]:
    """Return a shard whose schema and source are ours."""
    name = f"state.{number}.json"
    try:
        shard = mapping_of(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _LostError(f"{name} is no JSON") from error
    version = shard.get("v")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RefusedError(
            f"{name} was written by a newer release of reconcile (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): run that release, or delete the state object to begin anew (what "
            "was applied before is then never pruned)"
        )
    owner = shard.get("source")
    if version != SCHEMA_VERSION or not isinstance(owner, str):
        raise _LostError(f"{name} is not what reconcile writes")
    if owner != source:
        raise RefusedError(f"{name} belongs to another source: {owner!r}")
    return shard


def _entry(row: Sequence[object]) -> InventoryEntry:
    texts = [text for text in row[:_COLUMNS] if isinstance(text, str)]
    if len(texts) != _COLUMNS:
        raise _LostError("an object of its inventory cannot be read")
    group, kind, namespace, name, version, uid, desired_digest, entry_digest = texts
    if not (kind and name and version):
        raise _LostError("an object of its inventory has no kind, name or version")
    more = list(row[_COLUMNS:])
    return InventoryEntry(
        key=ObjectKey(group, kind, namespace, name),
        version=version,
        uid=uid,
        desired_digest=desired_digest,
        entry_digest=entry_digest,
        is_abandoned=more[:1] == [1],
        unknown="" if more in ([], [1]) else json.dumps(more),
    )

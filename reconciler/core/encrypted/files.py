"""Whole files that SOPS has encrypted, in its formats: YAML, JSON, dotenv, INI, and any other."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.encrypted.documents import is_sealed, open_documents
from reconciler.core.encrypted.keys import Keys
from reconciler.core.encrypted.metadata import SOPS, Metadata, metadata_of
from reconciler.core.encrypted.opening import Walk, data_key
from reconciler.core.encrypted.values import sealed_of
from reconciler.core.encrypted.veils import texts_in
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.reading import NOT_GIVEN
from reconciler.errors import ManifestError

_STRUCTURED: Final = (".yaml", ".yml", ".json")
_DOTENV: Final = ".env"
_INI: Final = ".ini"
_DATA: Final = "data"
_ENTRY: Final = re.compile(r"(?P<key>[^=:]+?)\s*[=:]\s?(?P<value>.*)")
_SECTION: Final = re.compile(r"\[(?P<name>[^]]*)\]\s*")
_AGE_ITEM: Final = re.compile(r"age__list_(\d+)__map_(enc|recipient)")
_QUOTES: Final = ('"""', "`", '"', "'")


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file decrypted.

    Attributes:
        content: what it says. YAML is written as JSON, document by document.
        texts: the values in it that were encrypted.
        whole: the content as a text, if it was encrypted as one value; else empty.
    """

    content: bytes
    texts: frozenset[str]
    whole: str = ""


def open_file(path: str, content: bytes, keys: Keys | None) -> OpenedFile | None:
    """Return a file decrypted; None if it is not encrypted.

    Args:
        path: its ending tells the format, as it does for ``sops``.
        content: the file.
        keys: what opens it; None: nothing does.

    Raises:
        ManifestError: it cannot be decrypted.
    """
    if SOPS.encode() not in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None  # SOPS writes nothing of the kind
    if path.endswith(_STRUCTURED):
        return _open_documents(path, text, keys)
    if path.endswith(_DOTENV):
        return _open_dotenv(path, text, keys)
    if path.endswith(_INI):
        return _open_ini(path, text, keys)
    return _open_any(path, text, keys)


def _open_documents(path: str, text: str, keys: Keys | None) -> OpenedFile | None:
    documents = list(yaml.documents_of(text, path=path))
    if not any(map(is_sealed, documents)):
        return None
    where = next(f"{path}:{each.line}" for each in documents if is_sealed(each))
    opened = open_documents(documents, _given(keys, where), path=path, is_whole=True)
    roots = []
    for document in opened:
        if document.error is not None:
            raise document.error
        if document.root is not None:
            roots.append(document.root)
    values = [to_value(root, path=path) for root in roots]
    indent = "\t" if path.endswith(".json") else 2
    written = "---\n".join(
        json.dumps(value, indent=indent, ensure_ascii=False) + "\n" for value in values
    )
    return OpenedFile(_bytes(written), frozenset(text for root in roots for text in texts_in(root)))


def _open_dotenv(path: str, text: str, keys: Keys | None) -> OpenedFile | None:
    lines = [line for line in text.split("\n") if "=" in line and not line.startswith("#")]
    pairs = [tuple(line.split("=", 1)) for line in lines]
    flat = {key.removeprefix("sops_"): value for key, value in pairs if key.startswith("sops_")}
    if "mac" not in flat:
        return None
    metadata = _flat_metadata(flat, where=f"{path}:1")
    walk = _walk(metadata, keys, path)
    opened: list[tuple[str, str]] = []
    for key, value in pairs:
        if not key.startswith("sops_"):
            opened.append((key, _value(walk, value.replace("\\n", "\n"), (key,), path)))
    walk.check(f"{path}:1")
    written = "".join(f"{key}={value.replace(chr(10), chr(92) + 'n')}\n" for key, value in opened)
    return OpenedFile(_bytes(written), frozenset(value for _, value in opened))


def _open_ini(path: str, text: str, keys: Keys | None) -> OpenedFile | None:
    entries = list(_ini_entries(text))
    flat = {key: value for section, key, value in entries if section == SOPS}
    if "mac" not in flat:
        return None
    walk = _walk(_flat_metadata(flat, where=f"{path}:1"), keys, path)
    written: list[str] = []
    texts: set[str] = set()
    last = ""
    for section, key, value in entries:
        if section == SOPS:
            continue
        if section != last:
            written.append(f"[{section}]\n")
            last = section
        opened = _value(walk, value, (section or "DEFAULT", key), path)
        texts.add(opened)
        written.append(f"{key} = {_ini_quoted(opened)}\n")
    walk.check(f"{path}:1")
    return OpenedFile(_bytes("".join(written)), frozenset(texts))


def _open_any(path: str, text: str, keys: Keys | None) -> OpenedFile | None:
    if not text.lstrip().startswith("{"):
        return None
    documents = list(yaml.documents_of(text, path=path))
    root = documents[0].root if len(documents) == 1 else None
    if not isinstance(root, yaml.Mapping) or not isinstance(root.get(SOPS), yaml.Mapping):
        return None
    where = f"{path}:1"
    walk = _walk(metadata_of(root.get(SOPS), where=where), keys, path)
    data = root.get(_DATA)
    if not isinstance(data, yaml.Scalar) or len(root.inside) != 4:  # noqa: PLR2004 - data and sops
        raise ManifestError("is encrypted (sops), and is no file that it wrapped", where=where)
    content = walk.content(data, (_DATA,)) if sealed_of(data.value) else _bytes(data.value)
    walk.check(where)
    whole = content.decode("utf-8", "replace")
    return OpenedFile(content, frozenset({whole}), whole)


def _given(keys: Keys | None, where: str) -> Keys:
    if keys is None:
        raise ManifestError(NOT_GIVEN, where=where)
    return keys


def _walk(metadata: Metadata, keys: Keys | None, path: str) -> Walk:
    where = f"{path}:1"
    given = _given(keys, where)
    return Walk(metadata, given, data_key(metadata, given, where=where), path)


def _value(walk: Walk, text: str, names: Sequence[str], path: str) -> str:
    opened = walk.scalar(yaml.Scalar(text, 0, 0, 1, '"'), names)
    if opened is None:
        raise ManifestError("is encrypted (sops), with a comment for a value", where=f"{path}:1")
    return opened.value


def _flat_metadata(flat: Mapping[str, str], *, where: str) -> Metadata:
    """Return the metadata that formats without nesting have, one value a line."""
    block = yaml.Mapping(1)
    ages: dict[int, yaml.Mapping] = {}
    for key, value in flat.items():
        text = yaml.Scalar(value.replace("\\n", "\n"), 0, 0, 1, '"')
        found = _AGE_ITEM.fullmatch(key)
        holder = block if found is None else ages.setdefault(int(found[1]), yaml.Mapping(1))
        holder.inside += (yaml.Scalar(found[2] if found else key, 0, 0, 1, '"'), text)
    items = yaml.Sequence(1)
    items.inside = [ages[number] for number in sorted(ages)]
    block.inside += (yaml.Scalar("age", 0, 0, 1, '"'), items)
    return metadata_of(block, where=where)


def _ini_entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield section, key and value of an INI file as SOPS writes it: a line an entry."""
    section = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or stripped[0] in ";#":
            continue
        if found := _SECTION.fullmatch(stripped):
            section = found["name"]
        elif found := _ENTRY.fullmatch(stripped):
            yield section, found["key"], _unquoted(found["value"].strip())


def _unquoted(text: str) -> str:
    for quote in _QUOTES:
        if len(text) >= 2 * len(quote) and text.startswith(quote) and text.endswith(quote):
            return text[len(quote) : -len(quote)]
    return text


def _ini_quoted(text: str) -> str:
    if "\n" in text or "`" in text:
        return f'"""{text}"""'
    return f"`{text}`" if set(";#") & set(text) or text != text.strip() else text


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

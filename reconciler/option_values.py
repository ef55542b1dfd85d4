"""What the texts of flags, environment and file mean, value by value."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.core.manifests.variables import parse_variable_source
from reconciler.errors import SettingsError
from reconciler.options import Kind, Option, parse_duration_s
from reconciler.settings import Address

OFF = "off"
MAX_PORT = 65535
MAX_LINE = 100  # of what is added to a commit's subject
_DIGITS = 9  # of a number: git takes no more than 32 bits
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)\]|(?P<host>[^\s:/\[\]]*))"
    r":(?P<port>[0-9]{1,5})"
)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def parse_address(text: str) -> Address | None:
    """Return the address that a text such as ``:8080`` or ``[::1]:8080`` is; None for ``off``.

    Raises:
        SettingsError: it is none.
    """
    if text.lower() == OFF:
        return None
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > MAX_PORT:
        raise SettingsError(
            f"{text!r} is no address; write :8080, 127.0.0.1:8080, [::1]:8080 or {OFF}"
        )
    return Address(found["ipv6"] or found["host"] or "", int(found["port"]))


def convert(option: Option, raw: object) -> object:
    """Return the value that a raw text (or YAML value) means for an option.

    Raises:
        SettingsError: it means nothing for this option.
    """
    return _CONVERTERS[option.kind](option, raw)


def to_path(value: object) -> Path | None:
    """Return the path that a text names, ``~`` filled in; None for none."""
    # Path.expanduser raises where there is no such user; this leaves the text as it is
    return Path(os.path.expanduser(str(value))) if value else None  # noqa: PTH111 - see above


def to_switch(raw: object) -> bool:
    """Return what a text or YAML value says: yes or no.

    Raises:
        SettingsError: neither.
    """
    text = str(raw).lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise SettingsError(f"{raw!r} is neither true nor false")


def _to_number(_option: Option, raw: object) -> object:
    text = str(raw).lstrip("0")
    if text.isascii() and text.isdigit():
        if len(text) > _DIGITS:
            raise SettingsError(f"{text[:20]!r}… is more than {10**_DIGITS - 1:,}")
        return int(text)
    raise SettingsError(f"{raw!r} is no whole number above 0")


def _to_list(option: Option, raw: object) -> object:
    items = raw if isinstance(raw, (list, tuple)) else str(raw).split(",")
    if isinstance(raw, dict) or any(isinstance(item, (dict, list)) for item in items):
        raise SettingsError("must be a list of texts")
    texts = tuple(utf8(str(item).strip()) for item in items if str(item).strip())
    for text in texts:
        _CHECKS.get(option.name, str)(text)
    if option.choices:
        return tuple(_to_choice(option, part) for text in texts for part in _parts(text))
    return texts


def _parts(text: str) -> list[str]:
    """Return the words of a list of choices: none has a comma in it."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_host(text: str) -> None:
    """Refuse what no registry's host would ever be equal to."""
    if "/" in text:
        raise SettingsError(f"{text!r} is no host: write HOST or HOST:PORT")


def _to_choice(option: Option, raw: object) -> object:
    if raw in option.choices:
        return raw
    raise SettingsError(f"{raw!r} is none of {', '.join(option.choices)}")


def _to_address(_option: Option, raw: object) -> object:
    text = str(raw) if raw is not False else OFF  # what YAML makes of a bare ``off``
    parse_address(text)
    return text


def _to_text(option: Option, raw: object) -> object:
    if isinstance(raw, (dict, list)) or raw is None:
        raise SettingsError("must be a text")
    if not str(raw):
        raise SettingsError("is empty")
    if option.name == "git-ci-skip-message":
        _check_line(str(raw))
    return _without_nul(str(raw)) if option.kind is Kind.PATH else utf8(str(raw))


def _check_line(text: str) -> None:
    """Refuse what is more than some words on a line, which is what a commit's subject has."""
    if not text.isprintable() or not text.strip() or len(text) > MAX_LINE:
        raise SettingsError(f"{text[:MAX_LINE]!r} is no line of up to {MAX_LINE} characters")


def utf8(text: str) -> str:
    """Return a text that is UTF-8, which is all that Git, the cluster and JSON take.

    Raises:
        SettingsError: it holds bytes of another encoding, or a zero byte.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SettingsError(f"{text!r} is not UTF-8") from error
    return _without_nul(text)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise SettingsError(f"{text!r} holds a zero byte")
    return text


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "registry-insecure": _check_host,
    "variables": parse_variable_source,
}
"""For lists of one form: raises SettingsError for what has another."""

_CONVERTERS: Mapping[Kind, Callable[[Option, object], object]] = {
    Kind.TEXT: _to_text,
    Kind.PATH: _to_text,
    Kind.SWITCH: lambda _option, raw: to_switch(raw),
    Kind.DURATION: lambda _option, raw: parse_duration_s(str(raw)),
    Kind.NUMBER: _to_number,
    Kind.LIST: _to_list,
    Kind.ADDRESS: _to_address,
    Kind.CHOICE: _to_choice,
}

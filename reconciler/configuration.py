"""Reads settings: flag beats environment beats file beats default. Tells all problems at once."""

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.errors import SettingsError
from reconciler.options import OPTIONS, Kind, Option, parse_duration_s
from reconciler.settings import (
    Address,
    ClusterSettings,
    GitSettings,
    RegistrySettings,
    Settings,
    SourceSettings,
    SyncSettings,
)

DEFAULT_SOURCE = "default"
OFF = "off"
MAX_PORT = 65535
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)\]|(?P<host>[^\s:/\[\]]*))"
    r":(?P<port>[0-9]{1,5})"
)
_BY_NAME = {option.name: option for option in OPTIONS}
_PER_SOURCE = {option.name for option in OPTIONS if option.is_per_source}
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})

Values = dict[str, object]


def read_settings(
    *,
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    file: Mapping[str, object] | None = None,
    file_name: str = "",
    defaults: Mapping[str, object] | None = None,
) -> Settings:
    """Return the settings that flags, environment and file give together.

    Args:
        flags: by option name, only those that were given.
        environment: the process's variables; unknown ones are ignored, also those with our prefix
            (a Service named ``reconcile`` makes Kubernetes set ``RECONCILE_PORT``).
        file: the parsed configuration file.
        file_name: its name, for messages.
        defaults: what this machine gives: ``data-dir``, ``namespace``.

    Raises:
        SettingsError: with every problem found, one a line.
    """
    reader = _Reader(file_name)
    base = reader.layered(file or {}, environment, flags, defaults or {})
    entries = reader.source_entries(file or {})
    per_source = [
        (name, {**base, **reader.file_values(entry, f"sources[{name}]", _PER_SOURCE)})
        for name, entry in entries
    ] or [(DEFAULT_SOURCE, base)]
    stronger = {option.name for option in OPTIONS if environment.get(option.variable)} | set(flags)
    overrides = {name: base[name] for name in stronger & _PER_SOURCE}
    sources = [reader.source(name, {**values, **overrides}) for name, values in per_source]
    reader.require_distinct(name for name, _ in per_source)
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return _settings(base, [source for source in sources if source is not None])


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


class _Reader:
    """Collects problems while it reads, so that a user hears all of them at once."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self.problems: list[str] = []

    def layered(
        self,
        file: Mapping[str, object],
        environment: Mapping[str, str],
        flags: Mapping[str, object],
        defaults: Mapping[str, object],
    ) -> Values:
        values: Values = {option.name: option.default for option in OPTIONS}
        values.update(defaults)
        for option in OPTIONS:
            if option.kind is Kind.DURATION:
                values[option.name] = parse_duration_s(str(option.default))
        top = {key: value for key, value in file.items() if key != "sources"}
        values.update(self.file_values(top, "", set(_BY_NAME), extra=("sources",)))
        for option in OPTIONS:
            if environment.get(option.variable):
                self._take(values, option, environment[option.variable], option.variable)
        for name, raw in flags.items():
            self._take(values, _BY_NAME[name], raw, f"--{name}")
        return values

    def file_values(
        self,
        mapping: Mapping[str, object],
        where: str,
        known: Iterable[str],
        *,
        extra: Sequence[str] = (),
    ) -> Values:
        values: Values = {}
        names = set(known)
        for key, raw in mapping.items():
            place = ": ".join(part for part in (self._file_name, where, key) if part)
            if key in names:
                self._take(values, _BY_NAME[key], raw, place)
            elif not (where and key == "name"):
                self.problems.append(f"{place}: unknown key{_nearest(key, [*names, *extra])}")
        return values

    def source_entries(self, file: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
        raw = file.get("sources", [])
        if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
            self.problems.append(f"{self._file_name}: sources: must be a list of mappings")
            return []
        return [(str(entry.get("name", f"#{index}")), entry) for index, entry in enumerate(raw)]

    def require_distinct(self, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if not _is_source_name(name):
                self.problems.append(
                    f"{name!r} is no source name: lower-case letters, digits and '-', up to 50"
                )
            if name in seen:
                self.problems.append(f"{self._file_name}: two sources are named {name!r}")
            seen.add(name)

    def source(self, name: str, values: Values) -> SourceSettings | None:
        if not values["git-url"]:
            where = "" if name == DEFAULT_SOURCE else f"source {name!r}: "
            ways = f"--git-url, {_BY_NAME['git-url'].variable} or the key git-url of --config"
            self.problems.append(f"{where}no Git remote given: use {ways}")
            return None
        return SourceSettings(
            name=name,
            git=_git_settings(values),
            sync=_sync_settings(values),
            paths=_texts(values["git-path"]),
            is_updated=bool(values["update"]),
            is_synced=bool(values["sync"]),
            default_namespace=str(values["default-namespace"]),
        )

    def _take(self, values: Values, option: Option, raw: object, place: str) -> None:
        try:
            values[option.name] = convert(option, raw)
        except SettingsError as error:
            self.problems.append(f"{place}: {error}")


def _git_settings(values: Values) -> GitSettings:
    return GitSettings(
        url=str(values["git-url"]),
        branch=_text(values["git-branch"]),
        author_name=str(values["git-user"]),
        author_email=str(values["git-email"]),
        username=_text(values["git-username"]),
        password_file=_path(values["git-password-file"]),
        ca_file=_path(values["git-ca-file"]),
        ssh_key_file=_path(values["git-ssh-key-file"]),
        known_hosts_file=_path(values["git-known-hosts-file"]),
        insecure=bool(values["git-insecure"]),
        history=int(str(values["git-history"])),
    )


def _sync_settings(values: Values) -> SyncSettings:
    return SyncSettings(
        prune=bool(values["prune"]),
        prune_allow=_text(values["prune-allow"]),
        wait=bool(values["wait"]),
        timeout_s=float(str(values["timeout"])),
        dry_run=bool(values["dry-run"]),
    )


def _settings(values: Values, sources: Sequence[SourceSettings]) -> Settings:
    return Settings(
        sources=tuple(sources),
        registry=RegistrySettings(
            docker_config=_path(values["docker-config"]),
            insecure_hosts=frozenset(_texts(values["registry-insecure"])),
            ca_file=_path(values["registry-ca-file"]),
            clouds=frozenset(_texts(values["registry-cloud"])),
        ),
        cluster=ClusterSettings(
            kubeconfig=_path(values["kubeconfig"]),
            context=_text(values["context"]),
            namespace=_text(values["namespace"]) or "reconcile",
            default_namespace=str(values["default-namespace"]),
        ),
        data_dir=_path(values["data-dir"]) or Path(".reconcile"),
        dry_run=bool(values["dry-run"]),
        output=str(values["output"]),
        log_format=_text(values["log-format"]),
        log_level=_text(values["log-level"]),
        interval_s=float(str(values["interval"])),
        listen=parse_address(str(values["listen"])),
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


def _path(value: object) -> Path | None:
    # Path.expanduser raises where there is no such user; this leaves the text as it is
    return Path(os.path.expanduser(str(value))) if value else None  # noqa: PTH111 - see above


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _is_source_name(name: str) -> bool:
    plain = name.replace("-", "")
    return (
        0 < len(name) <= 50  # noqa: PLR2004 - leaves room in an object's name of 63
        and plain.isascii()
        and plain.isalnum()
        and name == name.lower().strip("-")
    )


def _to_switch(_option: Option, raw: object) -> object:
    text = str(raw).lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise SettingsError(f"{raw!r} is neither true nor false")


def _to_number(_option: Option, raw: object) -> object:
    text = str(raw)
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise SettingsError(f"{raw!r} is no whole number above 0")


def _to_list(option: Option, raw: object) -> object:
    items = raw if isinstance(raw, (list, tuple)) else str(raw).split(",")
    if isinstance(raw, dict) or any(isinstance(item, (dict, list)) for item in items):
        raise SettingsError("must be a list of texts")
    texts = tuple(_utf8(str(item).strip()) for item in items if str(item).strip())
    if option.name == "registry-insecure":
        for text in texts:
            _check_host(text)
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
    return _without_nul(str(raw)) if option.kind is Kind.PATH else _utf8(str(raw))


def _utf8(text: str) -> str:
    """Refuse bytes of another encoding: Git, the cluster and JSON take UTF-8 alone."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SettingsError(f"{text!r} is not UTF-8") from error
    return _without_nul(text)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise SettingsError(f"{text!r} holds a zero byte")
    return text


_CONVERTERS: Mapping[Kind, Callable[[Option, object], object]] = {
    Kind.TEXT: _to_text,
    Kind.PATH: _to_text,
    Kind.SWITCH: _to_switch,
    Kind.DURATION: lambda _option, raw: parse_duration_s(str(raw)),
    Kind.NUMBER: _to_number,
    Kind.LIST: _to_list,
    Kind.ADDRESS: _to_address,
    Kind.CHOICE: _to_choice,
}

"""Reads settings: flag beats environment beats file beats default. Tells all problems at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.core.manifests.variables import parse_variable_source
from reconciler.core.nearest import nearest
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.tidings import Kind as TidingKind
from reconciler.errors import SelectionError, SettingsError
from reconciler.option_values import convert, parse_address, to_path
from reconciler.options import OPTIONS, Kind, Option, parse_duration_s
from reconciler.registry_entries import RegistryEntries, read_registry_entries
from reconciler.settings import (
    FOLDER_PREFIX,
    ClusterSettings,
    ForgeSettings,
    GitSettings,
    PageSettings,
    RegistrySettings,
    Settings,
    SourceSettings,
    SyncSettings,
)
from reconciler.source_order import dependency_problems, in_order

DEFAULT_SOURCE = "default"
CI_SKIP = "[ci skip]"
_OF_FILE = ("sources", "registries")
"""Keys that no flag and no variable can stand for."""

_BY_NAME = {option.name: option for option in OPTIONS}
_PER_SOURCE = {option.name for option in OPTIONS if option.is_per_source}

Values = dict[str, object]


def read_settings(
    *,
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    file: Mapping[str, object] | None = None,
    file_name: str = "",
    defaults: Mapping[str, object] | None = None,
    selects: bool = True,
) -> Settings:
    """Return the settings that flags, environment and file give together.

    Args:
        flags: by option name, only those that were given.
        environment: the process's variables; unknown ones are ignored, also those with our prefix
            (a Service named ``reconcile`` makes Kubernetes set ``RECONCILE_PORT``).
        file: the parsed configuration file.
        file_name: its name, for messages.
        defaults: what this machine gives: ``data-dir``, ``namespace``.
        selects: whether ``--source`` is about these sources; else it may name any.

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
    registries = read_registry_entries((file or {}).get("registries"), where=file_name)
    reader.problems.extend(registries.problems)
    known = [source for source in sources if source is not None]
    reader.require_own_push_branches(known)
    reader.require_push_branches(known)
    reader.problems.extend(dependency_problems(known, [name for name, _ in per_source]))
    if base["page-anonymous"] and base["page-token-file"]:
        reader.problems.append("--page-anonymous: everybody is admitted: drop --page-token-file")
    if flags.get("source") and not base["source"]:  # a shell's variable that is not set: not all
        reader.problems.append("--source: names no source")
    selection, names = _texts(base["source"]), [name for name, _ in per_source]
    chosen = frozenset(selection if selects and selection else names)
    reader.require_states(known, chosen)
    missed = list(_missed(chosen, names))
    if reader.problems:
        raise SettingsError("\n".join([*reader.problems, *missed]))
    if missed:
        raise SelectionError("\n".join(missed))
    ordered = in_order(known)
    return replace(
        _settings(base, [each for each in ordered if each.name in chosen], registries),
        others=tuple(each for each in ordered if each.name not in chosen),
        selection=selection,
    )


def _missed(chosen: Collection[str], names: Sequence[str]) -> Iterable[str]:
    """Yield what is wrong with the names of the sources to work on."""
    for name in sorted(set(chosen) - set(names)):
        hint = nearest(name, names)
        yield f"--source: no source {name!r} among {', '.join(names)}{hint}"


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
        top = {key: value for key, value in file.items() if key not in _OF_FILE}
        values.update(self.file_values(top, "", set(_BY_NAME), extra=_OF_FILE))
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
                self.problems.append(f"{place}: unknown key{nearest(key, [*names, *extra])}")
        return values

    def source_entries(self, file: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
        raw = file.get("sources", [])
        if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
            self.problems.append(f"{self._file_name}: sources: must be a list of mappings")
            return []
        return [(str(entry.get("name", f"#{index}")), entry) for index, entry in enumerate(raw)]

    def require_states(self, sources: Sequence[SourceSettings], chosen: Collection[str]) -> None:
        """Of a source that is not synced, other processes cannot see that it is ready."""
        unseen = {each.name for each in sources if each.name not in chosen and not each.is_synced}
        for each in sources:
            if each.name in chosen:
                for name in unseen.intersection(each.depends_on):
                    self.problems.append(
                        f"source {each.name!r} depends on {name!r}, which is not synced: both must "
                        "be run by one process (--source)"
                    )

    def require_distinct(self, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if not _is_source_name(name):
                self.problems.append(
                    f"{name!r} is no source name: lower-case letters, digits and '-', up to 50"
                )
            if name.startswith(FOLDER_PREFIX):
                self.problems.append(
                    f"{name!r} is no name of a source here: those of folders ('apply') begin so"
                )
            if name in seen:
                self.problems.append(f"{self._file_name}: two sources are named {name!r}")
            seen.add(name)

    def require_push_branches(self, sources: Iterable[SourceSettings]) -> None:
        """Refuse to show as a request what goes to no branch of its own."""
        for each in sources:
            if each.forge.has_requests and not each.git.push_branch:
                where = "" if each.name == DEFAULT_SOURCE else f"source {each.name!r}: "
                message = "--git-pull-request needs --git-push-branch: what is to be merged"
                self.problems.append(f"{where}{message}")

    def require_own_push_branches(self, sources: Iterable[SourceSettings]) -> None:
        """Refuse two sources that push to one branch, if it is one of them's to move by force."""
        known: list[SourceSettings] = []
        for each in sources:
            if not each.is_updated or each.git.read_only:
                continue
            for other in known:
                if each.git.url == other.git.url and _is_shared(each.git, other.git):
                    branch = each.git.push_branch or other.git.push_branch
                    self.problems.append(
                        f"{self._file_name}: sources {other.name!r} and {each.name!r} both push to "
                        f"the branch {branch!r}: give each a git-push-branch of its own"
                    )
            known.append(each)

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
            forge=_forge_settings(values),
            paths=_texts(values["git-path"]),
            is_updated=bool(values["update"]),
            is_synced=bool(values["sync"]),
            default_namespace=str(values["default-namespace"]),
            service_account=self._service_account(name, values),
            variables=tuple(map(parse_variable_source, _texts(values["variables"]))),
            depends_on=tuple(dict.fromkeys(_texts(values["depends-on"]))),
            notify=frozenset(map(TidingKind, _texts(values["notify"]))) or frozenset(TidingKind),
            interval_s=float(str(values["interval"])),
            sops_key_files=_paths(values["sops-age-key-file"]),
        )

    def _service_account(self, source: str, values: Values) -> ServiceAccount | None:
        text = _text(values["service-account"])
        if text is None:
            return None
        try:
            return ServiceAccount.parse(text, namespace=_namespace(values))
        except SettingsError as error:
            where = "" if source == DEFAULT_SOURCE else f"source {source!r}: "
            self.problems.append(f"{where}--service-account: {error}")
            return None

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
        commit_template=to_path(values["git-commit-template"]),
        commit_links=bool(values["git-commit-links"]),
        ci_skip=_ci_skip(values),
        signs_off=bool(values["git-sign-off"]),
        username=_text(values["git-username"]),
        password_file=to_path(values["git-password-file"]),
        ca_file=to_path(values["git-ca-file"]),
        ssh_key_file=to_path(values["git-ssh-key-file"]),
        known_hosts_file=to_path(values["git-known-hosts-file"]),
        push_options=_texts(values["git-push-option"]),
        signing_key_file=to_path(values["git-signing-key-file"]),
        signing_format=_text(values["git-signing-format"]),
        signing_passphrase_file=to_path(values["git-signing-passphrase-file"]),
        insecure=bool(values["git-insecure"]),
        push_branch=_text(values["git-push-branch"]),
        read_only=bool(values["git-read-only"]),
        history=int(str(values["git-history"])),
    )


def _forge_settings(values: Values) -> ForgeSettings:
    return ForgeSettings(
        kind=_text(values["git-forge"]),
        api_url=_text(values["git-api-url"]),
        token_file=to_path(values["git-api-token-file"]),
        has_requests=bool(values["git-pull-request"]),
        has_statuses=bool(values["git-commit-status"]),
    )


def _is_shared(one: GitSettings, other: GitSettings) -> bool:
    """Whether both push to one branch and at least one of them by force."""
    targets = [each.push_branch or each.branch for each in (one, other)]
    return targets[0] == targets[1] is not None and bool(one.push_branch or other.push_branch)


def _ci_skip(values: Values) -> str:
    """Return the text that keeps CI from building a commit; who gives one wants it, as in Flux."""
    return _text(values["git-ci-skip-message"]) or (CI_SKIP if values["git-ci-skip"] else "")


def _sync_settings(values: Values) -> SyncSettings:
    return SyncSettings(
        prune=bool(values["prune"]),
        prune_allow=_text(values["prune-allow"]),
        take_over=_texts(values["take-over"]),
        wait=bool(values["wait"]),
        timeout_s=float(str(values["timeout"])),
        dry_run=bool(values["dry-run"]),
    )


def _settings(
    values: Values, sources: Sequence[SourceSettings], registries: RegistryEntries
) -> Settings:
    return Settings(
        sources=tuple(sources),
        registry=RegistrySettings(
            docker_config=to_path(values["docker-config"]),
            insecure_hosts=frozenset(_texts(values["registry-insecure"])) | registries.insecure,
            ca_file=to_path(values["registry-ca-file"]),
            hosts=registries.hosts,
            clouds=frozenset(_texts(values["registry-cloud"])),
        ),
        cluster=ClusterSettings(
            kubeconfig=to_path(values["kubeconfig"]),
            context=_text(values["context"]),
            namespace=_namespace(values),
            default_namespace=str(values["default-namespace"]),
        ),
        data_dir=to_path(values["data-dir"]) or Path(".reconcile"),
        dry_run=bool(values["dry-run"]),
        output=str(values["output"]),
        log_format=_text(values["log-format"]),
        log_level=_text(values["log-level"]),
        notify_url_file=to_path(values["notify-url-file"]),
        notify_secret_file=to_path(values["notify-secret-file"]),
        notify_apprise_file=to_path(values["notify-apprise-file"]),
        webhook_secret_file=to_path(values["webhook-secret-file"]),
        page=PageSettings(
            token_file=to_path(values["page-token-file"]),
            is_anonymous=bool(values["page-anonymous"]),
        ),
        has_events=bool(values["events"]),
        listen=parse_address(str(values["listen"])),
    )


def _namespace(values: Values) -> str:
    return _text(values["namespace"]) or "reconcile"


def _text(value: object) -> str | None:
    return str(value) if value else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


def _paths(value: object) -> tuple[Path, ...]:
    return tuple(path for text in _texts(value) if (path := to_path(text)) is not None)


def _is_source_name(name: str) -> bool:
    plain = name.replace("-", "")
    return (
        0 < len(name) <= 50  # noqa: PLR2004 - leaves room in an object's name of 63
        and plain.isascii()
        and plain.isalnum()
        and name == name.lower().strip("-")
    )

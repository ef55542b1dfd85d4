"""What of an invocation's settings is carried into the cluster: a file of settings, and Secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.config_file import read_config
from reconciler.configuration import read_settings
from reconciler.core.objects.fields import items_of, mapping_of
from reconciler.core.objects.yaml_text import yaml_text
from reconciler.errors import ReconcilerError, SettingsError
from reconciler.install_parts import check_remote, is_ssh
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.option_values import to_path
from reconciler.options import OPTIONS
from reconciler.settings import Settings
from reconciler.text_file import read_text_file

MOUNTED: Final = Path("/etc/reconcile")
MAX_BYTES: Final = 512 * 1024
"""Of one file, and of the settings: the API server takes a MiB for an object."""

ABOUT_THIS_RUN: Final = frozenset(
    {"kubeconfig", "context", "namespace", "data-dir", "dry-run", "output"}
)
"""What is about this run and not about the reconciler in the cluster."""

_PORT: Final = ":8080"
CARRIED: Final[Mapping[str, tuple[str, str, str]]] = {
    "git-ssh-key-file": ("git", "identity", "identity"),
    "git-known-hosts-file": ("git", "known_hosts", "known_hosts"),
    "git-password-file": ("git", "password", "password"),
    "git-ca-file": ("git", "ca.crt", "ca.crt"),
    "git-api-token-file": ("git", "api-token", "api-token"),
    "git-commit-template": ("git", "commit-template", "commit-template"),
    "git-signing-key-file": ("git", "signing", "signing"),
    "git-signing-passphrase-file": ("git", "signing-passphrase", "signing-passphrase"),
    "webhook-secret-file": ("git", "webhook-secret", "webhook-secret"),
    "notify-url-file": ("git", "notify-url", "notify-url"),
    "notify-secret-file": ("git", "notify-secret", "notify-secret"),
    "notify-apprise-file": ("git", "notify-apprise", "notify-apprise"),
    "page-token-file": ("git", "page-token", "page-token"),
    "docker-config": ("registry", ".dockerconfigjson", "config.json"),
    "registry-ca-file": ("registry", "ca.crt", "ca.crt"),
}
"""By option: the Secret and its key, and the name of the file that our pod has of it."""

_KEY_FILES: Final = "sops-age-key-file"


@dataclass(frozen=True, slots=True)
class Carried:
    """What the reconciler in the cluster gets.

    Attributes:
        settings: as it will read them.
        text: of its configuration file.
        secrets: the contents of files that are here: by the name of the Secret, then by key.
        ssh_keys: the keys of the Secret ``git`` by which sources reach an SSH remote.
        known_hosts: likewise, the host keys of these.
    """

    settings: Settings
    text: str
    secrets: Mapping[str, Mapping[str, bytes]] = field(repr=False)
    ssh_keys: frozenset[str]
    known_hosts: frozenset[str]


def carried(invocation: Invocation) -> Carried:
    """Return what is carried, checked as the reconciler would check it.

    A file below ``/etc/reconcile`` is one that our pod has; any other one is here, and goes into a
    Secret.

    Raises:
        SettingsError: something is wrong, or cannot be used in a cluster; all of it is told.
    """
    given = read_config(Path(invocation.config)) if invocation.config else {}
    values = {key: value for key, value in given.items() if key not in ABOUT_THIS_RUN}
    for option in OPTIONS:
        raw = invocation.flags.get(option.name, invocation.environment.get(option.variable) or None)
        if raw is not None and option.name not in ABOUT_THIS_RUN:
            values[option.name] = list(raw) if isinstance(raw, tuple) else raw
    # first as they are given, so that whoever made a slip reads of what they have written
    read_settings(flags={}, environment={}, file=values, file_name=invocation.config or "")
    problems = list(_unfit(values))
    if problems:
        raise SettingsError("\n".join(problems))
    secrets: dict[str, dict[str, bytes]] = {}
    _carry_files(values, secrets)
    has_ssh = any(is_ssh(url) for url in _urls(values))
    if has_ssh:
        values.setdefault("git-ssh-key-file", str(MOUNTED / "git/identity"))
        values.setdefault("git-known-hosts-file", str(MOUNTED / "git/known_hosts"))
    settings = read_settings(flags={}, environment={}, file=values)
    _check(settings)
    ssh = [each.git for each in settings.sources if is_ssh(each.git.url)]
    return Carried(
        settings=settings,
        text=_text(invocation, given, values),
        secrets=secrets,
        ssh_keys=frozenset(_keys_of(each.ssh_key_file for each in ssh)),
        known_hosts=frozenset(_keys_of(each.known_hosts_file for each in ssh)),
    )


def _unfit(values: Mapping[str, object]) -> Iterator[str]:
    if str(values.get("listen", _PORT)) != _PORT:
        yield f"--listen: our manifests ask port {_PORT}: leave it out, or install by kubectl"
    for entry in map(mapping_of, items_of(values.get("sources"))):
        for name in (*CARRIED, _KEY_FILES):
            for path in _paths(entry.get(name)):
                if not path.is_relative_to(MOUNTED):
                    yield (
                        f"sources[{entry.get('name')}]: {name}: {str(path)!r} is not where our pod "
                        f"has files: write {MOUNTED}/…, and put it into the Secret yourself"
                    )


def _carry_files(values: dict[str, object], secrets: dict[str, dict[str, bytes]]) -> None:
    """Put files that are here among the Secrets, and say where the pod will have them."""
    for name, (secret, key, file) in CARRIED.items():
        for path in _paths(values.get(name)):
            if not path.is_relative_to(MOUNTED):
                secrets.setdefault(secret, {})[key] = _content(path, name)
                values[name] = str(MOUNTED / secret / file)
    carried_keys = []
    for path in _paths(values.get(_KEY_FILES)):
        if not path.is_relative_to(MOUNTED):
            secrets.setdefault("sops", {})[path.name] = _content(path, _KEY_FILES)
        carried_keys.append(str(MOUNTED / "sops" / path.name))
    if carried_keys:
        values[_KEY_FILES] = carried_keys


def _paths(raw: object) -> list[Path]:
    items = raw if isinstance(raw, list) else str(raw).split(",") if raw else []
    return [path for item in items if (path := to_path(item)) is not None]


def _content(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"--{option}: cannot read {str(path)!r}: {error.strerror}"
        raise SettingsError(message) from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"--{option}: {str(path)!r} is larger than {MAX_BYTES:,} bytes")
    if not content.strip():
        raise SettingsError(f"--{option}: {str(path)!r} is empty")
    return content


def _urls(values: Mapping[str, object]) -> Iterator[str]:
    yield str(values.get("git-url") or "")
    for entry in map(mapping_of, items_of(values.get("sources"))):
        yield str(entry.get("git-url") or "")


def _check(settings: Settings) -> None:
    """Refuse remotes that git is not to be given, or that no pod can reach."""
    problems = []
    for source in settings.sources:
        try:
            if check_remote(source) == "file":
                problems.append(f"{source.git.url!r} is a path: a pod does not have it")
        except ReconcilerError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))


def _keys_of(paths: Iterator[Path | None]) -> Iterator[str]:
    folder = MOUNTED / "git"
    return (path.name for path in paths if path is not None and path.parent == folder)


def _text(invocation: Invocation, given: Mapping[str, object], values: Mapping[str, object]) -> str:
    """Return the text of the settings: as the user wrote it, if nothing is to be added."""
    if invocation.config and values == given:
        return read_text_file(invocation.config, max_bytes=MAX_BYTES)
    text = yaml_text(values)
    if len(text.encode()) > MAX_BYTES:
        raise SettingsError(f"the settings are larger than {MAX_BYTES:,} bytes")
    return text

"""The environment in which git runs: what it may see of ours, and the configuration it gets."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.adapters.git.remote import Remote
from reconciler.settings import GitSettings

# All else stays outside, GIT_* first of all. Proxies and CA bundles say how this machine reaches
# others; the locale is ours because git's words are read.
_INHERITED = frozenset(
    {
        "PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH",
        "http_proxy", "https_proxy", "all_proxy", "no_proxy",
        "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    }
)  # fmt: skip
TRACKING = "refs/remotes/origin/"
_STALLED_BELOW_BYTES_PER_S = "1000"
_STALLED_AFTER_S = "30"

_CONFIG: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.alternateRefsCommand": "",
    "credential.helper": "",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
    # What arrives is checked. Three old blemishes are harmless and in the history of many a
    # repository: to refuse them would be to refuse those repositories for ever.
    "transfer.fsckObjects": "true",
    "fetch.fsck.zeroPaddedFilemode": "ignore",
    "fetch.fsck.missingSpaceBeforeDate": "ignore",
    "fetch.fsck.badTimezone": "ignore",
    # A redirect would be followed with our credentials, also to another host.
    "http.followRedirects": "false",
    "http.lowSpeedLimit": _STALLED_BELOW_BYTES_PER_S,
    "http.lowSpeedTime": _STALLED_AFTER_S,
}


def git_environment(settings: GitSettings, *, home: Path, askpass: Path | None) -> dict[str, str]:
    """Return the variables of every git command. None of them is a secret."""
    environment = {
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "TZ": "UTC",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ASKPASS": str(askpass) if askpass else "",
    }
    if settings.ca_file:
        environment["GIT_SSL_CAINFO"] = str(settings.ca_file.absolute())
    return environment


def remote_environment(remote: Remote, *, username: str | None) -> dict[str, str]:
    """Return what a command that speaks to the remote gets in addition.

    The remote is called ``origin`` and lives in these variables only: commands without them see a
    plain repository in which some objects are missing, and therefore never start to fetch them
    one by one, as git would do in a partial clone that it knows for one.
    """
    config = {
        **_CONFIG,
        "remote.origin.url": remote.url,
        "remote.origin.fetch": f"+refs/heads/*:{TRACKING}*",
        "remote.origin.tagOpt": "--no-tags",
        "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
    }
    if username:
        config["credential.username"] = username
    return {"GIT_ALLOW_PROTOCOL": remote.scheme, **_numbered(config)}


def local_environment() -> dict[str, str]:
    """Return what a command gets in addition that has no business with any remote."""
    return {"GIT_ALLOW_PROTOCOL": "none", **_numbered(_CONFIG)}


def tool_environment(ours: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return all variables of a program beside git that works in a folder of its own.

    Args:
        ours: the variables of this process.
        folder: its home.
    """
    return {
        **{name: value for name, value in ours.items() if name in _INHERITED},
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "TZ": "UTC",
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }


def strangers(names: Iterable[str], ours: Mapping[str, str]) -> list[str]:
    """Return the variables of this process that git must not see, sorted."""
    return sorted(name for name in names if name not in _INHERITED and name not in ours)


def _numbered(config: Mapping[str, str]) -> dict[str, str]:
    """Return configuration as ``GIT_CONFIG_COUNT``, ``…_KEY_0``, ``…_VALUE_0`` and so on."""
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables

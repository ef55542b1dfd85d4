"""Where a Git remote is: a URL or path that is safe to hand to the git program, or an error."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.errors import SettingsError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORMS = "https://, ssh://, git@host:path, file:// or a path"
_SCHEMES = frozenset({"file", "git", "http", "https", "ssh"})
_SSH_SCHEME = re.compile(r"(?i)(?:ssh|git\+ssh|ssh\+git)://")
_SCP_LIKE = re.compile(r"[^/\\]+?:(?!:)")  # git: a colon before the first slash, host:path
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")  # git: transport::address runs git-remote-<transport>
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_SSH_URL = re.compile(
    r"(?:ssh|git\+ssh|ssh\+git)://(?:(?P<user>[^@/]*)@)?(?P<host>\[[^\]/]*\]|[^:/@]*)"
    r"(?P<port>:[0-9]{1,5})?(?P<path>/.+)",
    re.IGNORECASE,
)
# Git's short form. A host in brackets is an IPv6 address, or a name with a port.
_SSH_SHORT = re.compile(r"(?:(?P<user>[^@/:]*)@)?(?P<host>\[[^\]/]*\]|[^:/@\[]+):(?P<path>.+)")
_SSH_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SSH_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")
_SSH_HOST_WITH_PORT = re.compile(r"\[[A-Za-z0-9_][A-Za-z0-9_.-]*:[0-9]{1,5}\]")
_MAX_PORT = 65535
DEFAULT_SSH_USER = "git"  # the one of all forges; ssh itself would take our own name

_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?")

# git-check-ref-format(1), rules 3 to 10; the first two are about slashes and looked at by part.
_FORBIDDEN_IN_REF = re.compile(r"\.\.|@\{|//|[\x00-\x20\x7f~^:?*\[\\]")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote that may be an argument of git: its URL is absolute and holds no secret."""

    url: str
    scheme: str  # https, http, ssh or file; also the only protocol that git may speak then
    host: str = ""  # with the port, as git names it when it asks for a password; else empty


def remote_of(url: str, *, insecure: bool = False) -> Remote:
    """Return the remote that a setting names.

    It is ``https://``, ``http://``, ``ssh://``, ``[user@]host:path``, ``file://`` or a path. Paths
    become ``file://`` URLs: for a plain path git copies the repository and ignores depth.

    Raises:
        SettingsError: git must not be given this; the message never holds a password.
    """
    if not url or url.startswith("-") or _CONTROL.search(url) or _HELPER.match(url):
        raise SettingsError(f"{_shown(url)!r} is no Git URL: use {_FORMS}")
    if _SSH_SCHEME.match(url):
        return _ssh_by_url(url)
    if "://" in url:
        return _by_scheme(_split(url), insecure=insecure)
    if _SCP_LIKE.match(url):
        return _ssh_by_short_form(url)
    return _file(Path(os.path.expanduser(url)))  # noqa: PTH111 - Path raises for no such user


def host_scan(remote: Remote) -> str:
    """Return the command that shows the host keys of an SSH remote."""
    found = _SSH_URL.fullmatch(remote.url)
    host, port = (found["host"], (found["port"] or "")[1:]) if found else ("", "")
    if short := None if found else _SSH_SHORT.fullmatch(remote.url):
        host = short["host"]
        if _SSH_HOST_WITH_PORT.fullmatch(host):
            host, _, port = host.strip("[]").rpartition(":")
    return shlex.join(["ssh-keyscan", *(["-p", port] if port else []), host.strip("[]")])


def check_branch(name: str) -> str:
    """Return the name of a branch as it is, if it may be one.

    Raises:
        SettingsError: no branch can be called that.
    """
    if not is_branch_name(name):
        raise SettingsError(f"{name!r} is no name of a branch")
    return name


def is_branch_name(name: str) -> bool:
    """Tell whether a branch may be called that (rules of ``git check-ref-format --branch``)."""
    parts = name.split("/")
    is_wrong = (
        _FORBIDDEN_IN_REF.search(name)
        or name in {"", "@", "HEAD"}
        or name.startswith("-")
        or name.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    return not is_wrong


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise SettingsError(f"{_shown(url)!r} is no Git URL") from error


def _by_scheme(parts: SplitResult, *, insecure: bool) -> Remote:
    if parts.scheme in {"https", "http"}:
        return _http(parts, insecure=insecure)
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise SettingsError(f"{_shown(parts.geturl())!r}: write file:///absolute/path")
        return _file(Path(unquote(parts.path)))
    raise SettingsError(f"{_shown(parts.geturl())!r}: use {_FORMS}")


def _http(parts: SplitResult, *, insecure: bool) -> Remote:
    userinfo, at, host = parts.netloc.rpartition("@")
    host = host.lower()
    shown = f"{parts.scheme}://{host}{parts.path}"
    if at or userinfo:
        raise SettingsError(
            f"{shown!r} was given with a user or password in it: "
            "use --git-username and --git-password-file"
        )
    found = _HOST.fullmatch(host)
    is_host = found and (found["port"] is None or _is_port(found["port"]))
    if not is_host or parts.query or parts.fragment or " " in parts.path:
        raise SettingsError(f"{shown!r} is no Git URL: https://HOST[:PORT]/PATH is wanted")
    if parts.scheme == "http" and not insecure and not _LOOPBACK.fullmatch(host):
        raise SettingsError(f"{shown!r} is not encrypted: use https://, or --git-insecure")
    return Remote(url=shown, scheme=parts.scheme, host=host)


def _ssh_by_url(url: str) -> Remote:
    found = _SSH_URL.fullmatch(url)
    if not found or _CONTROL.search(unquote(url)):  # git decodes the percent signs of such URLs
        raise _no_ssh_url(url)
    user, host, port, path = found["user"], found["host"], found["port"] or "", found["path"]
    if not _SSH_HOST.fullmatch(host) or (port and not _is_port(port[1:])) or not path.strip("/"):
        raise _no_ssh_url(url)
    return Remote(scheme="ssh", url=f"ssh://{_ssh_user(url, user)}@{host.lower()}{port}{path}")


def _ssh_by_short_form(url: str) -> Remote:
    """Keep git's short form as it is: its path starts at the remote user's home, a URL's at ``/``.

    Without a user, an ``@`` in the path's beginning is what is left of ``user:password@host/…``.
    """
    found = _SSH_SHORT.fullmatch(url)
    if not found or (found["user"] is None and "@" in found["path"].partition("/")[0]):
        raise _no_ssh_url(url)
    host, path = found["host"], found["path"]
    if found["user"] is None and host.lower() in _SCHEMES:  # https:/… and file:… are slips
        raise SettingsError(f"{_shown(url)!r} is no Git URL: use {_FORMS}")
    is_host = _SSH_HOST.fullmatch(host) or (
        _SSH_HOST_WITH_PORT.fullmatch(host) and _is_port(host[1:-1].rpartition(":")[2])
    )
    if not is_host or path.startswith("-"):
        raise _no_ssh_url(url)
    return Remote(scheme="ssh", url=f"{_ssh_user(url, found['user'])}@{host.lower()}:{path}")


def _ssh_user(url: str, user: str | None) -> str:
    if user is None:
        return DEFAULT_SSH_USER
    if ":" in user:
        raise SettingsError(
            f"{_shown(url)!r} was given with a password in it: "
            "SSH wants a key, use --git-ssh-key-file"
        )
    if not _SSH_USER.fullmatch(user):
        raise _no_ssh_url(url)
    return user


def _is_port(text: str) -> bool:
    return 0 < int(text) <= _MAX_PORT


def _no_ssh_url(url: str) -> SettingsError:
    return SettingsError(
        f"{_shown(url)!r} is no Git URL: "
        "ssh://[USER@]HOST[:PORT]/PATH or [USER@]HOST:PATH is wanted"
    )


def _file(path: Path) -> Remote:
    if _CONTROL.search(str(path)):
        raise SettingsError(f"{str(path)!r} is no path of a Git repository")
    return Remote(url=path.absolute().as_uri(), scheme="file")


def _shown(url: str) -> str:
    """Return a URL without what may be a password: all before the last ``@`` but the scheme."""
    return re.sub(r"(?s)^([A-Za-z0-9+.-]+://)?.*@", r"\1", url)

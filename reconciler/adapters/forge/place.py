"""Where a forge's API is, and what it calls our repository: both from the URL of the remote."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.errors import SettingsError

GITHUB: Final = "github"
GITLAB: Final = "gitlab"
GITEA: Final = "gitea"

_BY_HOST: Final = {"github.com": GITHUB, "gitlab.com": GITLAB, "codeberg.org": GITEA}
_ALIASES: Final = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_API_PATHS: Final = {GITHUB: "/api/v3", GITLAB: "/api/v4", GITEA: "/api/v1"}
_SHORT: Final = re.compile(r"(?:[^@/:]*@)?([^:/@\[\]]+):(?!//)(.+)")  # git's user@host:path
_PART: Final = re.compile(r"[A-Za-z0-9_.~+-]+")
_OWNER_AND_NAME: Final = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A repository at a forge.

    Attributes:
        kind: ``github``, ``gitlab`` or ``gitea``.
        api_url: where its API begins, without a slash at the end.
        project: ``acme/web``; at GitLab with all groups.
    """

    kind: str
    api_url: str
    project: str


def place_of(
    git_url: str, *, kind: str | None = None, api_url: str | None = None, insecure: bool = False
) -> Place:
    """Return where the API for a remote is.

    Args:
        git_url: of the remote.
        kind: of the forge; None: the host tells.
        api_url: where its API is; None: where forges of that kind have it.
        insecure: whether plain HTTP is permitted beyond loopback.

    Raises:
        SettingsError: that cannot be told, or is not to be used.
    """
    base, parts = _parts(git_url)
    host = urlsplit(base).hostname or ""
    kind = kind or _BY_HOST.get(host, "")
    if not kind:
        raise SettingsError(f"it is not known what forge {host!r} is: use --git-forge")
    above: tuple[str, ...] = ()
    if kind != GITLAB:  # whose groups are nested; what is above owner and name is the forge's own
        above, parts = parts[:-_OWNER_AND_NAME], parts[-_OWNER_AND_NAME:]
    if api_url is not None:
        found = _checked(api_url, insecure=insecure)
        parts = _below(urlsplit(found).path.removesuffix(_API_PATHS[kind]), parts)
    elif kind == GITHUB and host == "github.com":
        found = "https://api.github.com"
    else:
        prefix = above if git_url.startswith("http") else ()
        found = _checked("/".join((base, *prefix)) + _API_PATHS[kind], insecure=insecure)
    if len(parts) < _OWNER_AND_NAME or not all(map(_is_part, parts)):
        raise SettingsError("the URL of the remote names no OWNER/REPOSITORY", where=git_url)
    return Place(kind, found, "/".join(parts))


def is_same_host(git_url: str, api_url: str) -> bool:
    """Whether an API is at the very host of a remote, on whatever port."""
    return urlsplit(_parts(git_url)[0]).hostname == urlsplit(api_url).hostname


def _parts(git_url: str) -> tuple[str, tuple[str, ...]]:
    """Return the URL of the host's pages, and the parts of the path."""
    short = None if "://" in git_url else _SHORT.fullmatch(git_url)
    scheme, host, path = ("https", short[1], short[2]) if short else _by_url(git_url)
    host = _ALIASES.get(host.lower(), host.lower())
    names = path.removesuffix("/").removesuffix(".git").split("/")
    return f"{scheme}://{host}", tuple(name for name in names if name)


def _by_url(git_url: str) -> tuple[str, str, str]:
    """Return scheme, host with port, and path of the pages of a remote that is a URL."""
    url = urlsplit(git_url)
    if url.hostname and url.scheme in ("http", "https"):
        return url.scheme, url.netloc.rpartition("@")[2], unquote(url.path)
    if url.hostname and url.scheme in ("ssh", "git+ssh", "ssh+git"):
        return "https", url.hostname, unquote(url.path)
    raise SettingsError("a remote that is a path is at no forge", where=git_url)


def _below(folder: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts without those of a folder that a whole forge is in."""
    above = tuple(part for part in folder.split("/") if part)
    is_in = len(parts) - len(above) >= _OWNER_AND_NAME and parts[: len(above)] == above
    return parts[len(above) :] if is_in else parts


def _checked(api_url: str, *, insecure: bool) -> str:
    """Return the URL of an API, if a token may be sent there."""
    try:
        parts = urlsplit(api_url)
        host, is_url = parts.hostname or "", parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        raise _no_api_url() from None
    is_url = is_url and bool(host) and parts.scheme in ("http", "https")
    if not is_url or parts.query or parts.fragment or not api_url.isprintable() or " " in api_url:
        raise _no_api_url()
    if parts.scheme == "http" and not insecure and not is_loopback_name(host):
        raise SettingsError(
            f"the API at {host!r} is not encrypted: use https://, or --git-insecure"
        )
    return api_url.rstrip("/")


def _no_api_url() -> SettingsError:
    return SettingsError("--git-api-url: https://HOST[:PORT]/PATH is wanted")


def _is_part(part: str) -> bool:
    return bool(_PART.fullmatch(part)) and part not in (".", "..")

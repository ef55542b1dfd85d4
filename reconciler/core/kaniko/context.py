"""Where an executor finds what it is to build: a Git repository, a ref and a folder in it."""

import re
from dataclasses import dataclass
from typing import Final

from reconciler.errors import SettingsError

HTTP: Final = "http"
HTTPS: Final = "https"
SSH: Final = "ssh"

MAX_TEXT: Final = 2048
_URL: Final = re.compile(r"(?P<scheme>git|https|http|ssh)://(?P<rest>.+)", re.DOTALL)
_SCP: Final = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^:/\s][^\s]*)")
_PLACE: Final = re.compile(
    r"(?:(?P<user>[^@/]*)@)?"
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"/[^\s?\\]+"
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_NO_REF: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|\.lock(?:/|$)|[./]$")
_WRITE: Final = "write https://HOST/PATH, git://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH"


@dataclass(frozen=True, slots=True)
class BuildContext:
    """``https://git.example/acme/web#refs/heads/main:docker``, taken apart.

    Attributes:
        scheme: how the repository is reached: ``https``, ``http`` or ``ssh``.
        place: ``HOST/PATH``; of SSH the whole URL, as git takes it.
        ref: a full one, ``refs/heads/main``; empty: the repository's HEAD.
        commit: forty hex digits; empty: the ref's newest.
        folder: a path in it; empty: all of it.
    """

    scheme: str
    place: str
    ref: str = ""
    commit: str = ""
    folder: str = ""

    @classmethod
    def parse(cls, text: str) -> "BuildContext":
        """Return the context that a text names: ``URL[#[REF][#COMMIT][:FOLDER]]``.

        ``git://`` is HTTPS, as Kaniko reads it: it has no client of git's own protocol. A ref
        without ``refs/`` is a branch, or a commit if it is forty hex digits.

        Raises:
            SettingsError: it names none. A user or password in it is not in the message.
        """
        if len(text) > MAX_TEXT or not text.isprintable():
            raise SettingsError(f"is no line of up to {MAX_TEXT:,} characters")
        url, _, fragment = text.partition("#")
        scheme, place = _place_of(url)
        names, _, folder = fragment.partition(":")
        first, has_second, second = names.partition("#")
        commit = second
        if _COMMIT.fullmatch(first) and not has_second:
            first, commit = "", first
        if has_second and not _COMMIT.fullmatch(second):
            raise SettingsError(f"{second!r} is no commit: write its forty hex digits")
        return cls(scheme, place, _full_ref(first), commit, _folder_of(folder))

    @property
    def for_executor(self) -> str:
        """As Kaniko takes it; only of HTTP and HTTPS."""
        names = "#".join(name for name in (self.ref, self.commit) if name)
        return f"git://{self.place}" + (f"#{names}" if names else "")

    @property
    def for_git(self) -> str:
        """What git is to fetch: a commit, a ref, or ``HEAD``."""
        return self.commit or self.ref or "HEAD"


def _place_of(url: str) -> tuple[str, str]:
    if _SCP.fullmatch(url):
        return SSH, url
    found = _URL.fullmatch(url)
    if found is None:
        raise SettingsError(f"is no Git repository: {_WRITE}")
    place = _PLACE.fullmatch(found["rest"])
    if place is None:
        raise SettingsError(f"is no URL of a Git repository: {_WRITE}")
    scheme = HTTPS if found["scheme"] == "git" else found["scheme"]
    user = place["user"]
    if user is not None and (scheme != SSH or ":" in user or not user or user.startswith("-")):
        raise SettingsError(
            "is a URL with a user or password, which everybody could read in the Job: "
            "name a Secret by --git-secret"
        )
    return scheme, url if scheme == SSH else found["rest"]


def _full_ref(name: str) -> str:
    if not name:
        return ""
    if _NO_REF.search(name) or name.startswith(("-", "/")):
        raise SettingsError(f"{name!r} is no ref: write a branch, refs/tags/NAME or a commit")
    return name if name.startswith("refs/") else f"refs/heads/{name}"


def _folder_of(text: str) -> str:
    """Return a path within the repository, in its shortest form."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or any(part.startswith("-") for part in parts[:1]):
        raise SettingsError(f"{text!r} is no folder in the repository")
    return "/".join(parts)

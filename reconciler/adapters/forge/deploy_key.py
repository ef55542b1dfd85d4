"""Where a forge takes a deploy key, and what is to be ticked there."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.forge.place import GITEA, GITHUB, GITLAB, place_of
from reconciler.errors import SettingsError

_PAGES: Final = {
    GITHUB: "settings/keys/new",
    GITLAB: "-/settings/repository#js-deploy-keys-settings",
    GITEA: "settings/keys",
}
_TICKS: Final = {
    GITHUB: "Allow write access",
    GITLAB: "Grant write permissions to this key",
    GITEA: "Enable write access",
}
_WAYS: Final = {
    GITHUB: "GitHub: Settings, Deploy keys",
    GITLAB: "GitLab: Settings, Repository, Deploy keys",
    GITEA: "Gitea, Forgejo: Settings, Deploy keys",
}


@dataclass(frozen=True, slots=True)
class DeployKeyPage:
    """What to do with a public key at a forge.

    Attributes:
        where: the page, or how to find it.
        tick: what has to be ticked there, so that the key may push.
    """

    where: str
    tick: str

    def __str__(self) -> str:
        return f'{self.where}, with "{self.tick}"'


def deploy_key_pages(git_url: str, *, kind: str | None = None) -> tuple[DeployKeyPage, ...]:
    """Return where a deploy key of a remote is entered; of a forge that is not known, each way.

    Args:
        git_url: of the remote; empty: not known.
        kind: of the forge; None: the host tells.
    """
    try:
        place = place_of(git_url, kind=kind)
    except SettingsError:
        return tuple(DeployKeyPage(_WAYS[each], _TICKS[each]) for each in _PAGES)
    api = urlsplit(place.api_url)
    host = "github.com" if api.netloc == "api.github.com" else api.netloc
    page = f"{api.scheme}://{host}/{place.project}/{_PAGES[place.kind]}"
    return (DeployKeyPage(page, _TICKS[place.kind]),)

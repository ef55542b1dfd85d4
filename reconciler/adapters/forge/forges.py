"""Which forge a source's remote is at."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from reconciler.adapters.forge import gitea, github, gitlab
from reconciler.adapters.forge.api import Api, read_token
from reconciler.adapters.forge.place import GITEA, GITHUB, GITLAB, is_same_host, place_of
from reconciler.adapters.forge.transport import Transport
from reconciler.errors import SettingsError
from reconciler.settings import ForgeSettings, GitSettings

Headers: TypeAlias = Mapping[str, str]
Authorization: TypeAlias = Callable[[str], Headers]
AnyForge: TypeAlias = github.GitHub | gitlab.GitLab | gitea.Gitea

_KINDS: Final[Mapping[str, tuple[Callable[[Api, str], AnyForge], Headers, Authorization]]] = {
    GITHUB: (github.GitHub, github.HEADERS, github.authorization),
    GITLAB: (gitlab.GitLab, gitlab.HEADERS, gitlab.authorization),
    GITEA: (gitea.Gitea, gitea.HEADERS, gitea.authorization),
}


def forge_of(git: GitSettings, settings: ForgeSettings) -> AnyForge:
    """Return the forge that a remote is at; nothing is asked yet.

    Raises:
        SettingsError: it cannot be told, or there is no token. That of the remote is given to no
            other host that somebody names.
    """
    place = place_of(git.url, kind=settings.kind, api_url=settings.api_url, insecure=git.insecure)
    is_known = settings.api_url is None or is_same_host(git.url, settings.api_url)
    token_file = settings.token_file or (git.password_file if is_known else None)
    if token_file is None:
        message = "the forge's API wants a token: use --git-api-token-file"
        raise SettingsError(message, where=place.api_url)
    make, headers, authorization = _KINDS[place.kind]
    api = Api(
        place.api_url,
        Transport(place.api_url, git.ca_file),
        headers=headers,
        token=lambda: read_token(token_file),
        authorization=authorization,
    )
    return make(api, place.project)

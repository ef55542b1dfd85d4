"""Lists the tags of repositories by the OCI Distribution API."""

import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec

from reconciler.adapters.registry.auth import Visit
from reconciler.adapters.registry.checkup.probe import RegistryProbe
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.failures import failure, lied
from reconciler.adapters.registry.images import RegistryImages, digest_on
from reconciler.adapters.registry.pagination import next_link, next_page
from reconciler.adapters.registry.registries import OnLimit, Registries
from reconciler.adapters.registry.request import Request, without_query
from reconciler.adapters.registry.scope import LISTING
from reconciler.adapters.registry.transport import OnRequest, Response
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository, tags_among
from reconciler.errors import NotFoundError, RegistryError
from reconciler.settings import RegistrySettings

PAGE_SIZE: Final = 1000  # ECR refuses more
MAX_PAGES: Final = 1000
MAX_TAGS: Final = 200_000
LISTS_PATIENCE: Final = 5
"""All pages together may take that many times as long as one answer."""


class _TagList(msgspec.Struct):
    """The answer of ``/v2/<name>/tags/list``; old registries say ``null`` for no tags."""

    tags: list[str | int | float | bool | None] | None = None


_DECODER: Final = msgspec.json.Decoder(_TagList)
_ONE_AT_A_TIME: Final = threading.Lock()
"""A page of two-letter tags takes twelve times its bytes when it is read, and many threads have
one: a registry that sends them on purpose would fill the memory."""


class RegistryClient:
    """All registries, by one pool of connections. Safe to use from many threads.

    Raises:
        SettingsError: files of the settings cannot be used.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        keychain: Keychain,
        *,
        page_size: int = PAGE_SIZE,
        on_request: OnRequest = lambda _host, _status: None,
        on_limit: OnLimit = lambda _host, _remaining, _limit: None,
    ) -> None:
        """Open nothing yet.

        Args:
            settings: whom to trust, and how long to wait.
            keychain: the logins beside those of the cluster.
            page_size: how many tags to ask for at a time.
            on_request: told after each HTTP request, from many threads: ``host[:port]``, and the
                status, 0 if there was no answer.
            on_limit: likewise, after each answer that says how many more requests are taken.
        """
        self._registries = Registries(settings, keychain, on_request=on_request, on_limit=on_limit)
        self._page_size = page_size
        self._connect_timeout_s = settings.connect_timeout_s
        self._patience_s = LISTS_PATIENCE * settings.answer_timeout_s

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> tuple[str, ...]:
        """Return every tag, in the registry's order, without duplicates and texts that are no tags.

        One attempt: trying again is the caller's business.

        Args:
            repository: whose tags.
            pull_secrets: the cluster's logins for this repository, tried in this order before those
                of the docker config; looked through no further than the first that is accepted.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError: it refused our credentials, or wants some; says whose were tried,
                and which pull secrets could not be read.
            ClusterError: likewise, and some of them could not be read for now.
            NotFoundError: there is no such repository.
        """
        return self._registries.visit(
            repository, self._listed, pull_secrets=pull_secrets, doing=LISTING
        )

    def images(self) -> RegistryImages:
        """Return what reads single images by the same connections and logins."""
        return RegistryImages(self._registries)

    def probe(self) -> RegistryProbe:
        """Return what tries the same connections and logins step by step."""
        return RegistryProbe(
            self._registries,
            connect_timeout_s=self._connect_timeout_s,
            read_tags=self._listed,
            read_digest=digest_on,
        )

    def close(self) -> None:
        """Close all connections."""
        self._registries.close()

    def _listed(self, visit: Visit) -> tuple[str, ...]:
        deadline = time.monotonic() + self._patience_s
        url: str | None = f"{visit.base}/tags/list?n={self._page_size}"
        tags: dict[str, None] = {}
        pages: set[str] = set()
        while url is not None:
            if url in pages:
                raise lied(url, "lists its tags in a ring: this page comes again")
            if len(pages) == MAX_PAGES:
                raise lied(url, f"has more than {MAX_PAGES:,} pages of tags")
            pages.add(url)
            page = _page(visit, url)
            tags.update(dict.fromkeys(_tags_of(page)))
            if len(tags) > MAX_TAGS:
                raise lied(page.url, f"lists more than {MAX_TAGS:,} tags")
            if time.monotonic() > deadline:
                message = f"did not list all its tags within {self._patience_s:g} s"
                raise RegistryError(message, where=page.url, is_retryable=False)
            link = next_link(page.headers.get("Link", ""))
            url = next_page(link, asked=page.url) if link else None
        return tuple(tags)


def _page(visit: Visit, url: str) -> Response:
    """Return a page of tags."""
    answer = visit.ask(Request(url))
    match answer.status:
        case HTTPStatus.OK:
            return answer
        case HTTPStatus.NOT_FOUND:
            message = f"the registry has no repository {visit.repository.path!r}"
            raise NotFoundError(message, where=without_query(answer.url))
        case _:
            raise failure(answer)


def _tags_of(page: Response) -> list[str]:
    with _ONE_AT_A_TIME:
        try:
            listed = _DECODER.decode(page.body).tags or []
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise lied(page.url, "answered with something that is no list of tags") from error
        is_excessive = len(listed) > MAX_TAGS  # duplicates too: a million is a second's work
        tags = [] if is_excessive else tags_among(listed)
        del listed  # an error keeps what its functions held
    if is_excessive:
        raise lied(page.url, f"lists more than {MAX_TAGS:,} tags")
    return tags

"""Lists the tags of repositories by the OCI Distribution API."""

import threading
import time
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from reconciler.adapters.registry.challenge import Challenge, parse_challenges
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.pagination import next_link, next_page
from reconciler.adapters.registry.transport import Response, Transport, retry_after_s
from reconciler.core.images.reference import DEFAULT_HOST, Repository, is_tag
from reconciler.errors import AccessDeniedError, NotFoundError, ReconcilerError, RegistryError
from reconciler.settings import RegistrySettings

DOCKER_HUB: Final = "registry-1.docker.io"
PAGE_SIZE: Final = 1000  # ECR refuses more
MAX_PAGES: Final = 1000
MAX_TAGS: Final = 200_000
MAX_REDIRECTS: Final = 3

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_RETRYABLE: Final = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 522, 524})
"""What go-containerregistry tries again (pkg/v1/remote/transport/retry.go), and 425 and 524."""


class _TagList(msgspec.Struct):
    """The answer of ``/v2/<name>/tags/list``; old registries say ``null`` for no tags."""

    tags: list[object] | None = None


_DECODER: Final = msgspec.json.Decoder(_TagList)


class RegistryClient:
    """All registries, by one pool of connections. Safe to use from many threads.

    A registry that asked for a password once is given it at once from then on: a scan of many
    repositories costs one challenge a host.
    """

    def __init__(
        self, settings: RegistrySettings, keychain: Keychain, *, page_size: int = PAGE_SIZE
    ) -> None:
        self._transport = Transport(settings)
        self._keychain = keychain
        self._page_size = page_size
        self._lock = threading.Lock()
        self._wants_basic: set[str] = set()  # hosts

    def list_tags(self, repository: Repository) -> tuple[str, ...]:
        """Return every tag, in the registry's order, without duplicates and texts that are no tags.

        One attempt: trying again is the caller's business.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError: it refused our credentials, or wants some.
            NotFoundError: there is no such repository.
        """
        url: str | None = self._first_page(repository)
        tags: dict[str, None] = {}
        for _ in range(MAX_PAGES):
            if url is None:
                return tuple(tags)
            page = self._get(url, repository)
            tags.update(dict.fromkeys(_tags_of(page)))
            if len(tags) > MAX_TAGS:
                raise _lied(page.url, f"lists more than {MAX_TAGS:,} tags")
            link = next_link(page.headers.get("Link", ""))
            url = next_page(link, asked=page.url) if link else None
        raise _lied(self._first_page(repository), f"has more than {MAX_PAGES:,} pages of tags")

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _first_page(self, repository: Repository) -> str:
        host = DOCKER_HUB if repository.host == DEFAULT_HOST else repository.host
        path = quote(repository.path)
        return f"{self._transport.base_url(host)}/v2/{path}/tags/list?n={self._page_size}"

    def _get(self, url: str, repository: Repository) -> Response:
        """Return a page; authenticates when asked to, and follows redirects within bounds."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._authenticated(url, repository)
            if answer.status not in _REDIRECTS:
                return _checked(answer, repository)
            url = _redirected(answer)
        raise _lied(url, f"redirects more than {MAX_REDIRECTS} times")

    def _authenticated(self, url: str, repository: Repository) -> Response:
        host = urlsplit(url).netloc
        credentials = self._keychain.for_repository(repository)
        basic = {"Authorization": credentials.basic} if credentials else {}
        knows = host in self._wants_basic
        answer = self._transport.get(url, basic if knows else {})
        if answer.status != _UNAUTHORIZED:
            return answer
        challenges = parse_challenges(answer.headers.get("WWW-Authenticate", ""))
        if not any(each.scheme == "basic" for each in challenges):
            raise AccessDeniedError(_unsupported(challenges), where=answer.url)
        if credentials is None:
            raise AccessDeniedError(self._hint("wants a password"), where=answer.url)
        if not knows:
            answer = self._transport.get(url, basic)
        if answer.status == _UNAUTHORIZED:
            refused = f"refused the password of {credentials.username!r}"
            raise AccessDeniedError(self._hint(refused), where=answer.url)
        with self._lock:
            self._wants_basic.add(host)
        return answer

    def _hint(self, what: str) -> str:
        source = self._keychain.source
        where = f"the one in use is {source}" if source else "none is in use"
        return f"the registry {what}: give it with --docker-config ({where})"


def _checked(answer: Response, repository: Repository) -> Response:
    if answer.status == _OK:
        return answer
    raise _failure(answer, repository)


def _failure(answer: Response, repository: Repository) -> ReconcilerError:
    if answer.status == _NOT_FOUND:
        return NotFoundError(
            f"the registry has no repository {repository.path!r}", where=answer.url
        )
    if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
        message = f"the registry forbids listing the tags of {repository.path!r}"
        return AccessDeniedError(message, where=answer.url)
    return RegistryError(
        f"the registry answered {answer.status}",
        where=answer.url,
        retry_after_s=retry_after_s(answer.headers, now_s=time.time()),
        is_retryable=answer.status in _RETRYABLE,
    )


def _tags_of(page: Response) -> list[str]:
    try:
        listed = _DECODER.decode(page.body).tags or []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _lied(page.url, "answered with something that is no list of tags") from error
    return [tag for tag in listed if isinstance(tag, str) and is_tag(tag)]


def _redirected(answer: Response) -> str:
    """Return where a redirect leads. Only within its own host: nothing else serves its tags.

    Credentials are thereby never sent to a host that they are not for.
    """
    target = urljoin(answer.url, answer.headers.get("Location", ""))
    here, there = urlsplit(answer.url), urlsplit(target)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc) or target == answer.url:
        raise _lied(answer.url, f"redirects to {target[:200]!r}, which is not followed")
    return target


def _unsupported(challenges: tuple[Challenge, ...]) -> str:
    schemes = ", ".join(dict.fromkeys(each.scheme for each in challenges)) or "nothing known"
    return f"the registry wants {schemes} authentication; this release has basic only"


def _lied(url: str, what: str) -> RegistryError:
    return RegistryError(f"the registry {what}", where=url, is_retryable=False)

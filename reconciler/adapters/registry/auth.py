"""Gets past a registry's challenge, with the first login that it takes.

One challenge a host: how a host wants it done is remembered.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.registry.challenge import Challenge, parse_challenges
from reconciler.adapters.registry.credentials import (
    Candidate,
    Elsewhere,
    Keychain,
    Offer,
    Unusable,
)
from reconciler.adapters.registry.denial import denial_message
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.realm import check_realm
from reconciler.adapters.registry.redirect import without_query
from reconciler.adapters.registry.standing import Standings
from reconciler.adapters.registry.token import TokenKey
from reconciler.adapters.registry.tokens import Tokens
from reconciler.adapters.registry.transport import Response, Transport, in_tls
from reconciler.adapters.registry.trouble import NotHttpError, UntrustedError
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError, ReconcilerError, RegistryError

MAX_LOGINS: Final = 8  # tried for one repository
MAX_SCOPE: Final = 1024

_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_REFUSED: Final = frozenset({_UNAUTHORIZED, _FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Way:
    """How a registry wants it: basic, or bearer with tokens from a realm."""

    scheme: str
    realm: str = ""
    service: str = ""


class Authenticator:
    """Sends requests with the credentials that they need. Safe to use from many threads."""

    def __init__(
        self, transport: Transport, keychain: Keychain, *, insecure_hosts: frozenset[str]
    ) -> None:
        self.transport = transport
        self.tokens = Tokens(transport)
        self._keychain = keychain
        self._standings = Standings()
        self._insecure_hosts = insecure_hosts
        self._ways: dict[str, Way] = {}  # by host

    def visit(self, repository: Repository, pull_secrets: Iterable[PullCredential]) -> "Visit":
        """Return what sends the requests for one repository."""
        offers = self._keychain.offers(repository, pull_secrets)
        return Visit(self, repository, Logins(repository, offers, self._standings))

    def ask_plainly(self, url: str) -> Response:
        """Ask without credentials; in TLS if a host wants it where plain HTTP is permitted.

        Plain HTTP comes first there, for it ends at once at both kinds of servers; a TLS handshake
        with a server of plain HTTP can hang.

        Raises:
            RegistryError: the registry failed, lied, or did not answer.
        """
        answer: Response | NotHttpError
        try:
            answer = self.transport.get(url, {})
        except NotHttpError as error:
            answer = error
        if isinstance(answer, NotHttpError) or answer.status == _BAD_REQUEST:
            answer = self._ask_in_tls(url) or answer
        if isinstance(answer, NotHttpError):
            raise answer
        return answer

    def way_of(self, url: str) -> Way | None:
        """Return how the host of a URL wants it; None if it never asked."""
        return self._ways.get(urlsplit(url).netloc)

    def learn(self, answer: Response) -> Way:
        """Read the challenge of a 401, and remember it.

        Raises:
            AccessDeniedError: it has none that we know.
            RegistryError: its realm is not to be trusted.
        """
        way = next(iter(_ways(answer)), None)
        if way is None:
            raise AccessDeniedError(_unsupported(_challenges(answer)), where=answer.url)
        if way.scheme == "bearer":
            check_realm(way.realm, registry=answer.url, insecure_hosts=self._insecure_hosts)
        self._ways[urlsplit(answer.url).netloc] = way
        return way

    def _ask_in_tls(self, url: str) -> Response | None:
        """Return the answer in TLS, and remember it; None if the host does not speak it."""
        if not url.startswith("http:"):
            return None
        try:
            answer = self.transport.get(in_tls(url), {})
        except UntrustedError:
            raise
        except RegistryError:
            return None
        self.transport.use_tls(urlsplit(url).netloc)
        return answer


class Visit:
    """The requests for one repository: finds a login that is accepted, and stays with it."""

    def __init__(self, auth: Authenticator, repository: Repository, logins: "Logins") -> None:
        self._auth = auth
        self._repository = repository
        self._logins = logins
        self._accepted: tuple[Candidate | None] | None = None
        self._scope = f"repository:{repository.path}:pull"

    def get(self, url: str) -> Response:
        """Return the answer to a GET, with credentials if they are asked for.

        Raises:
            AccessDeniedError: every login was refused, or there is none.
            ClusterError: likewise, but the cluster's could not be read for now.
            RegistryError: the registry or its token service failed, lied, or did not answer.
        """
        url = self._auth.transport.current(url)
        way = self._auth.way_of(url)
        if way is None:
            answer = self._auth.ask_plainly(url)
            if answer.status != _UNAUTHORIZED:
                return answer
            way, url = self._learn(answer), answer.url
        return self._authenticated(url, way)

    def _authenticated(self, url: str, way: Way) -> Response:
        """Try the login that was accepted before, or all of them; twice if the challenge moved."""
        refusal: Response | None = None
        for _ in range(2):
            for candidate in self._accepted or self._logins.in_order():
                answer = self._try(url, way, candidate)
                if answer is not None and answer.status not in _REFUSED:
                    self._accepted = (candidate,)
                    return answer
                if candidate is not None or refusal is None:  # what a login got says more
                    refusal = answer or refusal
            was_accepted, self._accepted = self._accepted, None
            moved = self._learn(refusal) if refusal and _ways(refusal) else way
            if moved == way and was_accepted is None:
                break
            way = moved
        raise self._logins.denial(without_query(url), refusal, way)

    def _try(self, url: str, way: Way, candidate: Candidate | None) -> Response | None:
        """Return the registry's answer; None if its token service refused the login."""
        login = candidate.login if candidate else None
        try:
            answer = self._attempt(url, way, login)
        except AccessDeniedError:  # of the token service
            self._logins.refused(candidate)
            return None
        if answer.status not in _REFUSED:
            self._logins.worked(candidate)
        elif way.scheme == "bearer" or answer.status == _FORBIDDEN:
            self._logins.forbidden(candidate)
        elif way in (_ways(answer) or (way,)):  # else it is not the login that it refused
            self._logins.refused(candidate)
        return answer

    def _attempt(self, url: str, way: Way, login: Login | None) -> Response:
        transport = self._auth.transport
        if way.scheme == "basic":
            return transport.get(url, {"Authorization": login.basic} if login else {})
        key = TokenKey(way.realm, way.service, self._scope, login)
        token = self._auth.tokens.get(key)
        answer = transport.get(url, _bearer(token.text))
        if answer.status != _UNAUTHORIZED:
            return answer
        wanted = self._scope_of(answer)
        if token.is_new and wanted == key.scope:
            return answer  # it would be the same token again
        self._scope = wanted
        again = self._auth.tokens.get(replace(key, scope=wanted), refused=token.text)
        return transport.get(url, _bearer(again.text))

    def _learn(self, answer: Response) -> Way:
        way = self._auth.learn(answer)
        self._scope = self._scope_of(answer)
        return way

    def _scope_of(self, answer: Response) -> str:
        """Return the scope that a 401 asks for; what we had if it names none."""
        bearers = (each for each in _challenges(answer) if each.scheme == "bearer")
        scopes = (each.parameters.get("scope", "")[:MAX_SCOPE] for each in bearers)
        return next(filter(None, scopes), self._scope)


class Logins:
    """The logins for one repository: in which order, and what became of them."""

    def __init__(
        self, repository: Repository, offers: Iterator[Offer], standings: Standings
    ) -> None:
        self._repository = repository
        self._offers = offers
        self._standings = standings
        self._known: list[Candidate] = []
        self._beside: list[Unusable | Elsewhere] = []
        self._refused: list[str] = []  # origins

    def in_order(self) -> Iterator[Candidate | None]:
        """Yield those that were not refused before, then the others, then None for nobody."""
        later: list[Candidate] = []
        for candidate in itertools.islice(self._candidates(), MAX_LOGINS):
            if self._standings.is_paused(candidate.login, self._repository):
                self._refused.append(candidate.origin)
            elif self._standings.goes_last(candidate.login, self._repository):
                later.append(candidate)
            else:
                yield candidate
        yield from later
        yield None

    def worked(self, candidate: Candidate | None) -> None:
        """Take down that a login was accepted."""
        if candidate is not None:
            self._standings.worked(candidate.login, self._repository)

    def refused(self, candidate: Candidate | None) -> None:
        """Take down that a login was refused: its password may be wrong."""
        if candidate is not None:
            self._refused.append(candidate.origin)
            self._standings.refused(candidate.login, self._repository)

    def forbidden(self, candidate: Candidate | None) -> None:
        """Take down that a login was believed, and has no rights here."""
        if candidate is not None:
            self._refused.append(candidate.origin)
            self._standings.forbidden(candidate.login, self._repository)

    def denial(self, where: str, refusal: Response | None, way: Way) -> ReconcilerError:
        """Return the error that says whose logins were tried and what to do."""
        status = refusal.status if refusal is not None else 0
        message = denial_message(
            self._repository,
            refused=self._refused,
            beside=self._beside,
            is_forbidden=status == _FORBIDDEN,
            may_be_missing=status == _UNAUTHORIZED and way.scheme == "bearer",
        )
        may_pass = any(isinstance(each, Unusable) and each.may_pass for each in self._beside)
        return (ClusterError if may_pass else AccessDeniedError)(message, where=where)

    def _candidates(self) -> Iterator[Candidate]:
        """Yield each login once; asks for more of them only when it must."""
        yield from tuple(self._known)
        for offer in self._offers:
            if not isinstance(offer, Candidate):
                self._beside.append(offer)
            elif all(offer.login != known.login for known in self._known):
                self._known.append(offer)
                yield offer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _challenges(answer: Response) -> tuple[Challenge, ...]:
    return parse_challenges(answer.headers.get("WWW-Authenticate", ""))


def _ways(answer: Response) -> tuple[Way, ...]:
    """Return the ways that a 401 offers and that we know."""
    if answer.status != _UNAUTHORIZED:
        return ()
    return tuple(filter(None, map(_way, _challenges(answer))))


def _way(challenge: Challenge) -> Way | None:
    parameters = challenge.parameters
    match challenge.scheme:
        case "basic":
            return Way("basic")
        case "bearer" if parameters.get("realm"):
            return Way("bearer", parameters["realm"], parameters.get("service", ""))
        case _:
            return None


def _unsupported(challenges: tuple[Challenge, ...]) -> str:
    schemes = ", ".join(dict.fromkeys(each.scheme[:40] for each in challenges[:8]))
    wanted = schemes or "a login but does not say which"
    return f"the registry wants {wanted}; only basic and bearer (with a realm) are known here"

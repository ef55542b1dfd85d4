"""Gets past a registry's challenge, with the first login that it takes.

One challenge a host: how a host wants it done is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.registry.challenge import Challenge, parse_challenges
from reconciler.adapters.registry.credentials import Candidate, Keychain
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.logins import Logins
from reconciler.adapters.registry.realm import check_realm, may_be_asked
from reconciler.adapters.registry.redirect import followed
from reconciler.adapters.registry.request import Request, without_query
from reconciler.adapters.registry.scope import MAX_SCOPE, USUAL, ScopeShape, shape_of
from reconciler.adapters.registry.standing import Standings
from reconciler.adapters.registry.token import TokenKey
from reconciler.adapters.registry.tokens import Tokens
from reconciler.adapters.registry.transport import Response, Transport, in_tls
from reconciler.adapters.registry.trouble import NotHttpError, UntrustedError
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, RegistryError

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
        self._scopes: dict[tuple[str, str], ScopeShape] = {}  # by host and what is attempted

    def visit(
        self,
        repository: Repository,
        pull_secrets: Iterable[PullCredential],
        *,
        base: str,
        doing: str,
    ) -> "Visit":
        """Return what sends the requests for one repository.

        Args:
            repository: which.
            pull_secrets: the cluster's logins for it.
            base: the URL that all its requests begin with.
            doing: what is attempted, for the words of a refusal: ``listing the tags of``.
        """
        offers = self._keychain.offers(repository, pull_secrets)
        logins = Logins(repository, offers, self._standings, doing=doing)
        return Visit(self, repository, logins, base=base, doing=doing)

    def may_be_asked(self, url: str, *, registry: str) -> bool:
        """Whether a registry may send us to a URL on another host."""
        return may_be_asked(url, registry=registry, insecure_hosts=self._insecure_hosts)

    def ask_plainly(self, request: Request) -> Response:
        """Ask without credentials; in TLS if a host wants it where plain HTTP is permitted.

        Plain HTTP comes first there, for it ends at once at both kinds of servers; a TLS handshake
        with a server of plain HTTP can hang.

        Raises:
            RegistryError: the registry failed, lied, or did not answer.
        """
        answer: Response | NotHttpError
        try:
            answer = self.transport.send(request)
        except NotHttpError as error:
            answer = error
        if isinstance(answer, NotHttpError) or answer.status == _BAD_REQUEST:
            answer = self._ask_in_tls(request) or answer
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

    def scope_shape(self, host: str, doing: str) -> ScopeShape:
        """Return the shape of the scopes that a host wants for what is attempted."""
        return self._scopes.get((host, doing), USUAL)

    def learn_scope(self, host: str, doing: str, shape: ScopeShape) -> None:
        """Remember it."""
        self._scopes[host, doing] = shape

    def _ask_in_tls(self, request: Request) -> Response | None:
        """Return the answer in TLS, and remember it; None if the host does not speak it."""
        if not request.url.startswith("http:"):
            return None
        try:
            answer = self.transport.send(request.at(in_tls(request.url)))
        except UntrustedError:
            raise
        except RegistryError:
            return None
        self.transport.use_tls(urlsplit(request.url).netloc)
        return answer


class Visit:
    """The requests for one repository: finds a login that is accepted, and stays with it.

    Attributes:
        base: the URL that they begin with: ``https://registry.example/v2/acme/web``.
        repository: what it is called there.
    """

    def __init__(
        self, auth: Authenticator, repository: Repository, logins: Logins, *, base: str, doing: str
    ) -> None:
        self.base = base
        self.repository = repository
        self._host = urlsplit(base).netloc
        self._auth = auth
        self._logins = logins
        self._doing = doing
        self._accepted: tuple[Candidate | None] | None = None
        self._scope = auth.scope_shape(self._host, doing).scope(repository.path)

    @property
    def accepted(self) -> tuple[Candidate | None] | None:
        """The login that was accepted last, None for nobody's; None if none was asked for."""
        return self._accepted

    def ask(self, request: Request) -> Response:
        """Return the answer to a request, with credentials if they are asked for.

        Redirects are followed; where one leads to another host, no credentials go along.

        Raises:
            AccessDeniedError: every login was refused, or there is none; or nobody may do it.
            ClusterError: likewise, but the cluster's could not be read for now.
            RegistryError: the registry or its token service failed, lied, or did not answer.
        """
        answer = followed(
            lambda url: self._ask(request.at(url)),
            request.url,
            may_go=lambda url: self._auth.may_be_asked(url, registry=self.base),
        )
        if answer.status == _FORBIDDEN and self._is_own(answer.url):
            message = f"the registry forbids {self._doing} {self.repository.path!r}"
            raise AccessDeniedError(message, where=without_query(answer.url))
        return answer

    def _ask(self, request: Request) -> Response:
        if not self._is_own(request.url):
            return self._auth.transport.send(request)
        request = request.at(self._auth.transport.current(request.url))
        way = self._auth.way_of(request.url)
        if way is None:
            answer = self._auth.ask_plainly(request)
            if answer.status != _UNAUTHORIZED:
                return answer
            way, request = self._learn(answer), request.at(answer.url)
        return self._authenticated(request, way)

    def _authenticated(self, request: Request, way: Way) -> Response:
        """Try the login that was accepted before, or all of them; twice if the challenge moved."""
        refusal: Response | None = None
        for _ in range(2):
            for candidate in self._accepted or self._logins.in_order():
                answer = self._try(request, way, candidate)
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
        status = refusal.status if refusal is not None else 0
        may_be_missing = status == _UNAUTHORIZED and way.scheme == "bearer"
        where = without_query(request.url)
        raise self._logins.denial(where, status=status, may_be_missing=may_be_missing)

    def _try(self, request: Request, way: Way, candidate: Candidate | None) -> Response | None:
        """Return the registry's answer; None if its token service refused the login."""
        login = candidate.login if candidate else None
        try:
            answer = self._attempt(request, way, login)
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

    def _attempt(self, request: Request, way: Way, login: Login | None) -> Response:
        transport = self._auth.transport
        if way.scheme == "basic":
            return transport.send(request, login.basic if login else "")
        key = TokenKey(way.realm, way.service, self._scope, login)
        token = self._auth.tokens.get(key)
        answer = transport.send(request, f"Bearer {token.text}")
        if answer.status != _UNAUTHORIZED:
            return answer
        wanted = self._scope_of(answer)
        if token.is_new and wanted == key.scope:
            return answer  # it would be the same token again
        self._ask_for(wanted)
        again = self._auth.tokens.get(replace(key, scope=wanted), refused=token.text)
        return transport.send(request, f"Bearer {again.text}")

    def _is_own(self, url: str) -> bool:
        """Whether a URL is the registry's own: only there are credentials shown."""
        return urlsplit(url).netloc == self._host

    def _learn(self, answer: Response) -> Way:
        way = self._auth.learn(answer)
        self._ask_for(self._scope_of(answer))
        return way

    def _ask_for(self, scope: str) -> None:
        """Ask for this scope from now on, and for its like on other visits to this host."""
        self._scope = scope
        self._auth.learn_scope(self._host, self._doing, shape_of(scope, self.repository.path))

    def _scope_of(self, answer: Response) -> str:
        """Return the scope that a 401 asks for; what we had if it names none."""
        bearers = (each for each in _challenges(answer) if each.scheme == "bearer")
        scopes = (each.parameters.get("scope", "")[:MAX_SCOPE] for each in bearers)
        return next(filter(None, scopes), self._scope)


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

"""The logins for one repository: which are tried, in which order, and what became of them."""

import itertools
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from reconciler.adapters.registry.credentials import Candidate, Elsewhere, Offer, Unusable
from reconciler.adapters.registry.denial import denial_message
from reconciler.adapters.registry.standing import Standings
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError, ReconcilerError

MAX_LOGINS: Final = 8  # tried for one repository


class Logins:
    """The logins for one repository: in which order, and what became of them."""

    def __init__(
        self,
        repository: Repository,
        offers: Iterator[Offer],
        standings: Standings,
        *,
        doing: str,
    ) -> None:
        self._repository = repository
        self._offers = offers
        self._standings = standings
        self._doing = doing
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

    def denial(self, where: str, *, status: int, may_be_missing: bool) -> ReconcilerError:
        """Return the error that says whose logins were tried and what to do.

        Args:
            where: the URL that was asked.
            status: of the last refusal; 0 if only the token service refused.
            may_be_missing: whether the registry may just not have that repository.
        """
        message = denial_message(
            self._repository,
            doing=self._doing,
            refused=self._refused,
            beside=self._beside,
            is_forbidden=status == HTTPStatus.FORBIDDEN,
            may_be_missing=may_be_missing,
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

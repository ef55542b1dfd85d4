"""Words for a registry that lets us in with no login: whose were tried, and what else there is."""

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.adapters.registry.credentials import Elsewhere, Unusable
from reconciler.adapters.registry.scope import LISTING
from reconciler.core.images.reference import Repository

MAX_NOTES: Final = 3
_MEND: Final = "give one that may pull in the workload's imagePullSecrets or by --docker-config"


def denial_message(
    repository: Repository,
    *,
    doing: str = LISTING,
    refused: Iterable[str],
    beside: Iterable[Unusable | Elsewhere],
    is_forbidden: bool,
    may_be_missing: bool = False,
) -> str:
    """Return what happened and what to do.

    Args:
        repository: what was asked for.
        doing: what was attempted there.
        refused: the origins of the logins that were refused.
        beside: where else a login could have been.
        is_forbidden: whether the last answer was that the login's rights do not suffice.
        may_be_missing: whether it may just not be there: Docker Hub answers a slip of the pen with
            a challenge, so as not to tell which private repositories there are.
    """
    origins = " and ".join(dict.fromkeys(refused))
    if is_forbidden:
        to_whom = f" to the login of {origins}" if origins else ""
        said = f"forbids {doing} {repository.path!r}{to_whom}"
    elif origins:
        said = f"refused the login of {origins}"
    else:
        said = "wants a password, and none is known for it"
    if may_be_missing:
        said += f", or it has no repository {repository.path!r}"
    notes = list(dict.fromkeys(_notes(beside, repository, is_tried=bool(origins))))
    more = [f"{len(notes) - MAX_NOTES:,} more cannot be used"] if len(notes) > MAX_NOTES else []
    shown = "; ".join([*notes[:MAX_NOTES], *more])
    return f"the registry {said}{f' ({shown})' if shown else ''}: {_MEND}"


def _notes(
    beside: Iterable[Unusable | Elsewhere], repository: Repository, *, is_tried: bool
) -> Iterator[str]:
    """Yield a note for each place; those with other registries' logins only if no login was."""
    for each in beside:
        if isinstance(each, Unusable):
            yield f"{each.origin} cannot be used: {each.reason}"
        elif not is_tried:
            yield f"{each.origin} has no login for {repository}"

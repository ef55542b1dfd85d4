"""What registries in memory do with logins."""

from collections.abc import Iterable

from reconciler.core.images.pull_secret import PullCredential, PullSecret
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError


def log_in(
    repository: Repository,
    pull_secrets: Iterable[PullCredential],
    *,
    wanted: str,
    is_ours: bool,
    seen: list[PullCredential],
) -> None:
    """Return if we may come in, or raise what a registry's refusal is told by.

    Args:
        repository: where to.
        pull_secrets: the cluster's logins, tried in this order.
        wanted: what the content of a pull secret must be.
        is_ours: whether we have that login ourselves, as from a docker config.
        seen: gets the pull secrets that were looked at.
    """
    may_pass = False
    notes: list[str] = []
    for each in pull_secrets:
        seen.append(each)
        if not isinstance(each, PullSecret):
            notes.append(f"{each.origin} cannot be used: {each.reason}")
            may_pass |= each.may_pass
        elif each.content.reveal() == wanted:
            return
        else:
            notes.append(f"the secret {each.origin} was refused")
    if not is_ours:
        kind = ClusterError if may_pass else AccessDeniedError
        raise kind(f"access denied ({'; '.join(notes)})", where=str(repository))

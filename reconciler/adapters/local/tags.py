"""A list of tags that stands for every repository."""

from collections.abc import Iterable, Sequence

from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository


class ListedTags:
    """Lists the same tags whatever is asked for; no network."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = tuple(dict.fromkeys(tags))

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Sequence[str]:
        """Return every tag, duplicates left out; nobody asks for a login."""
        del repository, pull_secrets
        return self._tags

"""Listings: what cycles have heard of repositories, for those that need not ask for all again."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from reconciler.core.decision import KnowledgeOf
from reconciler.core.images.listing import Listing
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError

MAX_CHARACTERS: Final = 8 * 2**20
"""Of all tags that are kept between cycles; what is more is asked for each time."""


class Listings:
    """The newest lists of tags of one source's repositories. Losing them costs requests.

    Whoever looks from another thread sees those of one cycle.
    """

    def __init__(self) -> None:
        self._kept: Mapping[Repository, Listing] = {}
        self._wanted: frozenset[str] = frozenset()
        self._knowledge: KnowledgeOf = {}

    @property
    def kept(self) -> Mapping[Repository, Listing]:
        """The lists of the newest cycle, as far as they were not too long to be kept."""
        return self._kept

    @property
    def knowledge(self) -> KnowledgeOf:
        """What the newest cycle knew of single images."""
        return self._knowledge

    @property
    def wanted(self) -> frozenset[str]:
        """The repositories that the newest cycle asked for, ``host/path``."""
        return self._wanted

    def known(
        self, wanted: AbstractSet[Repository], *, asked: AbstractSet[str] | None
    ) -> Mapping[Repository, Listing]:
        """Return what need not be asked for.

        Args:
            wanted: the repositories whose tags are needed.
            asked: those that are to be asked anew, ``host/path``; None: all.
        """
        if asked is None:
            return {}
        return {
            each: self._kept[each]
            for each in wanted
            if each in self._kept and str(each) not in asked
        }

    def keep(
        self, tags: Mapping[Repository, Listing | ReconcilerError], knowledge: KnowledgeOf
    ) -> None:
        """Keep the lists that a cycle has worked with and what it knew, and forget all others.

        What failed is not kept: the next cycle asks again.
        """
        kept = {}
        room = MAX_CHARACTERS
        for repository, heard in sorted(tags.items()):
            if isinstance(heard, Listing) and len(heard.text) <= room:
                kept[repository] = heard
                room -= len(heard.text)
        self._wanted = frozenset(map(str, tags))
        self._kept, self._knowledge = kept, knowledge

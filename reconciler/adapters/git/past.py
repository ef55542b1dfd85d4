"""What our commits wrote, from the clone: read whole once, and then only what is newer."""

from dataclasses import dataclass

from reconciler.adapters.git.clone import Clone
from reconciler.core.history import History, extended, history_of


@dataclass(frozen=True, slots=True)
class _Told:
    commit: str
    ends: bytes
    history: History


@dataclass(slots=True)
class Past:
    """What commits said the last time. Used under the clone's lock only."""

    clone: Clone
    _told: _Told | None = None

    def up_to(self, commit: str) -> History:
        """Return what our commits up to one say that they wrote, as far as the clone goes back.

        Where all ways back from it lead to the commit that was read the last time, git lists what
        is newer and then the very same as before; else it is read whole: after a force push, or
        when the clone has become deeper.
        """
        told, ends = self._told, self.clone.ends()
        if told is None or told.ends != ends:
            found = self._read(commit)
        elif told.commit == commit:
            found = told.history
        elif self.clone.leads_to(commit, told.commit):
            found = extended(told.history, self.clone.messages(commit, after=told.commit))
        else:
            found = self._read(commit)
        self._told = _Told(commit, ends, found)
        return found

    def _read(self, commit: str) -> History:
        return history_of(self.clone.messages(commit), self.clone.known_since(commit))

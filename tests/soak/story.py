"""What a branch's history says of a long run, compared with what everybody did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.bare_repository import git
from reconciler.core.message import IMAGE_TRAILER, ImageTrailer, parse_trailers
from tests.soak.failure import SoakError, demand, lines
from tests.soak.fleet import Fleet

_RECORD, _FIELD = "\x1e", "\x1f"


@dataclass(frozen=True)
class Story:
    """The branch's history, the oldest first: subject and message, each of one parent.

    Attributes:
        commits: id and message.
        ours: the trailers of the commits that have some, by id.
    """

    fleet: Fleet
    commits: Sequence[tuple[str, str]]
    ours: Mapping[str, Sequence[ImageTrailer]]

    @classmethod
    def of(cls, fleet: Fleet) -> "Story":
        """Read it."""
        form = f"--format=%H{_FIELD}%P{_FIELD}%B{_RECORD}"
        told = git(fleet.remote.path, "log", "--reverse", form, "main").split(_RECORD)
        records = [record.strip("\n").split(_FIELD) for record in told if record.strip()]
        for commit, parents, _ in records[1:]:
            demand(" " not in parents, f"{commit} is a merge")
        commits = [(commit, message) for commit, _, message in records]
        ours = {commit: parse_trailers(text) for commit, text in commits if IMAGE_TRAILER in text}
        return cls(fleet, commits, ours)

    @property
    def count(self) -> int:
        """How many images we changed, all in all."""
        return sum(map(len, self.ours.values()))

    def check(self, theirs: Sequence[str], notes: Mapping[int, str], *, last: str) -> None:
        """Compare with what everybody did.

        Args:
            theirs: the subjects of what others pushed.
            notes: what they wrote last into manifests, by workload.
            last: the tag at which all images must be.

        Raises:
            SoakError: something is lost, twice or changed.
        """
        self._check_theirs(theirs)
        self._check_chains(last)
        self._check_diffs()
        self._check_contents(notes, last)

    def _check_theirs(self, theirs: Sequence[str]) -> None:
        said = [text.strip() for commit, text in self.commits[1:] if commit not in self.ours]
        lost = sorted((Counter(theirs) - Counter(said)).elements())
        demand(not lost, f"commits of theirs are lost:\n{lines(lost)}")
        more = sorted((Counter(said) - Counter(theirs)).elements())
        demand(not more, f"commits that nobody made:\n{lines(more)}")

    def _check_chains(self, last: str) -> None:
        """Each change of an image begins where the one before ended, and none comes twice."""
        stands = {self.fleet.path(number): "v1" for number in range(self.fleet.size)}
        wrong = []
        for commit, trailers in self.ours.items():
            for each in trailers:
                old, new = (text.rpartition(":")[2] for text in (each.old, each.new))
                if old != stands[each.path] or int(new[1:]) <= int(old[1:]):
                    wrong.append(f"{commit}: {each} (it was {stands[each.path]})")
                stands[each.path] = new
        wrong += [f"{path} ends at {tag}" for path, tag in stands.items() if tag != last]
        demand(not wrong, f"changes that are not one each:\n{lines(wrong)}")

    def _check_diffs(self) -> None:
        """A commit of ours changes one line an image, and nothing else."""
        for commit, trailers in self.ours.items():
            shown = git(self.fleet.remote.path, "show", "--format=", "--unified=0", commit)
            changed = [line for line in shown.split("\n") if _is_change(line)]
            wanted = {
                f"{sign}          image: '{image}'  # the only word of ours"
                for each in trailers
                for sign, image in (("-", each.old), ("+", each.new))
            }
            if len(changed) != len(wanted) or set(changed) != wanted:
                raise SoakError(f"{commit} changes more or less than it says:\n{lines(changed)}")

    def _check_contents(self, notes: Mapping[int, str], last: str) -> None:
        files = self.fleet.remote.files()
        wrong = [
            self.fleet.path(number)
            for number in range(self.fleet.size)
            if files[self.fleet.path(number)].decode()
            != self.fleet.manifest(number, last, notes.get(number, ""))
        ]
        demand(not wrong, f"files that are not as written:\n{lines(wrong)}")


def _is_change(line: str) -> bool:
    return line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}

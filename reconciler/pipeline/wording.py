"""Wording: how the commits of a source are worded."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.annotation_message import AnnotationChange, compose_annotation_message
from reconciler.core.decision import Change
from reconciler.core.message import PLAIN, Manner, compose, compose_release
from reconciler.settings import GitSettings


@dataclass(frozen=True, slots=True)
class Wording:
    """How the commits of a source are worded.

    Attributes:
        manner: what is added to every message.
    """

    manner: Manner = PLAIN

    def of_update(self, changes: Sequence[Change], *, by: str) -> str:
        """Return the message of an update, see :func:`compose`."""
        return compose(changes, by=by, manner=self.manner)

    def of_release(self, changes: Sequence[Change], *, workload: str, message: str) -> str:
        """Return the message of a release, see :func:`compose_release`."""
        return compose_release(changes, workload=workload, message=message, manner=self.manner)

    def of_annotations(
        self, verb: str, workload: str, changes: Sequence[AnnotationChange], *, message: str
    ) -> str:
        """Return the message of edited annotations, see :func:`compose_annotation_message`."""
        return compose_annotation_message(
            verb, workload, changes, message=message, manner=self.manner
        )


def wording_of(git: GitSettings) -> Wording:
    """Return how the settings want commits to be worded."""
    committer = f"{git.author_name.strip()} <{git.author_email.strip()}>"
    return Wording(Manner(ci_skip=git.ci_skip, sign_off=committer if git.signs_off else ""))

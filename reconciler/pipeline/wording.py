"""Wording: how the commits of a source are worded."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.annotation_message import AnnotationChange, compose_annotation_message
from reconciler.core.decision import Change
from reconciler.core.message import (
    BY_PERSON,
    PLAIN,
    Manner,
    finished,
    has_lines_of_ours,
    release_text,
    trailers_of,
    update_text,
)
from reconciler.core.message_data import MessageData, Occasion, message_data
from reconciler.errors import SettingsError
from reconciler.pipeline.git_port import MessageTemplate
from reconciler.pipeline.linker import Linker
from reconciler.settings import GitSettings, SourceSettings


@dataclass(frozen=True, slots=True)
class Wording:
    """How the commits of a source are worded.

    Attributes:
        source: its name.
        manner: what is added to every message.
        template: what words the changes of images; None: we do.
        linker: finds where to read of changes; None: nobody looks.
    """

    source: str
    manner: Manner = PLAIN
    template: MessageTemplate | None = None
    linker: Linker | None = None

    def of_update(self, changes: Sequence[Change], *, by: str, branch: str) -> str:
        """Return the message of an update.

        Args:
            changes: at least one.
            by: source and cluster: ``default@1f3a9c02``.
            branch: that is read.

        Raises:
            SettingsError: the template fails.
            StoppedError: the process is to end.
        """
        changes = self._linked(changes)
        occasion = Occasion("update", self.source, branch, by)
        text = self._templated(changes, occasion, update_text(changes))
        return finished(text, trailers_of(changes, by=by), self.manner)

    def of_release(
        self, changes: Sequence[Change], *, workload: str, branch: str, message: str
    ) -> str:
        """Return the message of a release; what a person says is left as it is.

        Args:
            changes: at least one, all to the same image.
            workload: whose image it is.
            branch: that is read.
            message: of the person; it takes the place of the first line. Empty: one is made.

        Raises:
            SettingsError: the template fails.
            StoppedError: the process is to end.
        """
        changes = self._linked(changes)
        text = release_text(changes, workload=workload, message=message)
        if not message:
            occasion = Occasion("release", self.source, branch, BY_PERSON)
            text = self._templated(changes, occasion, text)
        return finished(text, trailers_of(changes, by=BY_PERSON), self.manner)

    def of_annotations(
        self, verb: str, workload: str, changes: Sequence[AnnotationChange], *, message: str
    ) -> str:
        """Return the message of edited annotations, see :func:`compose_annotation_message`."""
        return compose_annotation_message(
            verb, workload, changes, message=message, manner=self.manner
        )

    def _linked(self, changes: Sequence[Change]) -> Sequence[Change]:
        return self.linker.linked(changes) if self.linker is not None else changes

    def _templated(self, changes: Sequence[Change], occasion: Occasion, default: str) -> str:
        if self.template is None:
            return default
        text = self.template.render(message_data(changes, occasion, default=default))
        problem = _problem_of(text)
        if problem:
            raise SettingsError(f"the commit template {problem}", where=self.template.name)
        return text


def wording_of(
    source: SourceSettings, template: MessageTemplate | None, linker: Linker | None = None
) -> Wording:
    """Return how the settings want commits to be worded."""
    wanted = linker if source.git.commit_links else None
    return Wording(source.name, manner_of(source.git), template, wanted)


def manner_of(git: GitSettings) -> Manner:
    """Return what the settings want to be added to every message."""
    committer = f"{git.author_name.strip()} <{git.author_email.strip()}>"
    return Manner(ci_skip=git.ci_skip, sign_off=committer if git.signs_off else "")


def sample_data(changes: Sequence[Change]) -> MessageData:
    """Return data of the kind that templates are given."""
    occasion = Occasion("update", "default", "main", "default@1f3a9c02")
    return message_data(changes, occasion, default=update_text(changes))


def _problem_of(text: str) -> str:
    """Return why a text cannot be a message; empty if it can."""
    if not text.strip():
        return "gives an empty message"
    if has_lines_of_ours(text):
        return "gives a line that stands for our own commits: 'Reconcile-…:'"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "gives what is no text"
    return "gives a zero byte" if "\0" in text else ""

"""The error tree: every failure this package raises on purpose.

    ReconcilerError
    |-- StalledError              the same inputs fail the same way; a person must change something
    |   |-- SettingsError         options, environment or configuration file
    |   |-- SyntaxProblem         a text that is not what it should be
    |   |   |-- ReferenceSyntaxError
    |   |   |-- ConstraintSyntaxError
    |   |   `-- PolicySyntaxError
    |   |-- HookError             a webhook's body that is no event of its sender
    |   |-- ManifestError         a manifest that cannot be read or edited
    |   |-- AccessDeniedError     credentials or rights refused
    |   |-- ImpersonationError    we may not act as the ServiceAccount of the settings
    |   |-- NotFoundError         a repository, branch, path or object that is not there
    |   |   `-- NotServedError    a kind that the cluster does not have
    |   `-- RefusedError          the other side understood and said no (hook, conflict, invalid)
    |       `-- UnhealthyError    an object was applied, and will not become healthy by itself
    `-- TransientError            may pass by itself; tried again
        |-- StoppedError          this process was asked to end
        |-- DependencyError       another source comes first
        |-- RegistryError
        |-- ForgeError
        |-- GitError
        |   `-- RemoteMovedError  somebody pushed in between
        `-- ClusterError
            |-- NoAnswerError   the API server said nothing at all
            |-- BusyError       the API server asked for time, again and again
            `-- ChangedError    an object changed between our look and our write

The class answers what the caller can do; attributes carry the rest. Messages are lower case, quote
values with ``!r``, end without a full stop, and hold no secret.
"""

from typing import ClassVar


class ReconcilerError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        where: the place it is about: ``path:line``, a URL or an object; empty if there is none.
        message: what is wrong, without the place.
        kind: one of a few words, for metrics.
    """

    kind: ClassVar[str] = "other"

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message, where)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class StalledError(ReconcilerError):
    """The same inputs will fail the same way: reported until they change, tried every cycle."""


class SettingsError(StalledError):
    """Options, environment or configuration file are wrong; all their problems in one message."""

    kind = "settings"


class SelectionError(SettingsError):
    """``--source`` names what is no source, or no source any more."""


class SyntaxProblem(StalledError):  # noqa: N818 - the base of three errors, never raised itself
    """A text that is not what it should be.

    Attributes:
        text: the offending text.
        reason: what is wrong with it.
    """

    kind = "syntax"
    noun = "text"

    def __init__(self, text: str, reason: str, *, where: str = "") -> None:
        shown = text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004 - one screen line or two
        super().__init__(f"invalid {self.noun} {shown!r}: {reason}", where=where)
        self.text = text
        self.reason = reason


class ReferenceSyntaxError(SyntaxProblem):
    """Not an image reference."""

    noun = "image reference"


class ConstraintSyntaxError(SyntaxProblem):
    """Not a version constraint."""

    noun = "constraint"


class PolicySyntaxError(SyntaxProblem):
    """Not a policy."""

    noun = "policy"


class HookError(StalledError):
    """The body of a webhook is no event of its sender."""

    kind = "syntax"


class ManifestError(StalledError):
    """A manifest that cannot be read, or not be edited without touching more than was planned.

    Attributes:
        offset: where in its text that is, in characters; None if only the line is known.
    """

    kind = "manifest"

    def __init__(self, message: str, *, where: str = "", offset: int | None = None) -> None:
        super().__init__(message, where=where)
        self.offset = offset


class AccessDeniedError(StalledError):
    """The other side refused our credentials, or our rights do not suffice."""

    kind = "access_denied"


class ImpersonationError(StalledError):
    """We may not act as the ServiceAccount that the settings name, whatever that may do.

    No access denied: where that leads to another way of asking, this one leads nowhere.
    """

    kind = "access_denied"


class NotFoundError(StalledError):
    """Something named in the settings or a manifest does not exist on the other side."""

    kind = "not_found"


class NotServedError(NotFoundError):
    """The cluster serves no such kind, or not in that version."""


class RefusedError(StalledError):
    """The other side understood the request and declined it: a hook, a conflict, bad input."""

    kind = "refused"


class UnhealthyError(RefusedError):
    """An object was applied, and will not become healthy by itself.

    Its words change while it lasts: pods are made anew, and restarts are counted.
    """

    kind = "unhealthy"


class TransientError(ReconcilerError):
    """May pass by itself; tried again with backoff."""


class StoppedError(TransientError):
    """Not done because this process was asked to end: the next one takes it up."""


class DependencyError(TransientError):
    """Not done yet because a source that this one depends on is not ready.

    Attributes:
        is_known: whether it is known how that one stands; else this process has just begun.
    """

    kind = "dependency"

    def __init__(self, message: str, *, where: str = "", is_known: bool = True) -> None:
        super().__init__(message, where=where)
        self.is_known = is_known


class ElsewhereError(DependencyError):
    """The same, of a source that another process runs: nobody tells us when it is ready."""

    kind = "elsewhere"


class RegistryError(TransientError):
    """A registry failed, or did not answer in time.

    Attributes:
        retry_after_s: seconds the registry asked us to wait, if it did.
        is_retryable: whether another attempt within this cycle may help.
        is_throttling: whether the registry says that it is asked too much.
    """

    kind = "registry"

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        retry_after_s: float | None = None,
        is_retryable: bool = True,
        is_throttling: bool = False,
    ) -> None:
        super().__init__(message, where=where)
        self.retry_after_s = retry_after_s
        self.is_retryable = is_retryable
        self.is_throttling = is_throttling


class ForgeError(TransientError):
    """The API of a forge failed, or did not answer in time."""

    kind = "forge"


class GitError(TransientError):
    """The Git remote or the git program failed in a way that may pass."""

    kind = "git"


class RemoteMovedError(GitError):
    """The remote branch moved between our fetch and our push."""


class ClusterError(TransientError):
    """The API server failed, or did not answer in time."""

    kind = "cluster"


class NoAnswerError(ClusterError):
    """No answer came from the API server: it is not there, hangs, or the connection broke."""


class BusyError(ClusterError):
    """The API server asked for time, and still did when that was over."""


class ChangedError(ClusterError):
    """An object was changed, or made, between our look at it and our write: look again."""

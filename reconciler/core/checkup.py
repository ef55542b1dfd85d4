"""What ``doctor`` finds: accesses tried one by one, and for each failure what to do."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.core.outcome import worst
from reconciler.exit_codes import OK, STALLED, TRANSIENT


class Health(StrEnum):
    """How an access is."""

    OK = "ok"
    WARNING = "warning"  # it works, and may not for long, or not as somebody thinks
    FAILED = "failed"
    SKIPPED = "skipped"  # what it needs has failed


@dataclass(frozen=True, slots=True)
class Check:
    """One access that was tried.

    Attributes:
        name: what was tried, in one word: ``connect``.
        health: how it went.
        detail: what was found, for a person.
        cause: why it may be so; empty if all is well.
        remedy: a command, or lines of the configuration, that mend it or show more; may be empty.
        may_pass: of a failure: whether it may pass by itself.
    """

    name: str
    health: Health
    detail: str
    cause: str = ""
    remedy: str = ""
    may_pass: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code that this check alone calls for."""
        if self.health is not Health.FAILED:
            return OK
        return TRANSIENT if self.may_pass else STALLED


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was tried at one place.

    Attributes:
        subject: what was looked at: a source's URL, a registry's host, a repository.
        checks: in the order in which they were made.
    """

    subject: str
    checks: tuple[Check, ...]

    @property
    def has_failed(self) -> bool:
        """Whether something does not work here."""
        return any(each.health is Health.FAILED for each in self.checks)

    @property
    def has_passed(self) -> bool:
        """Whether everything was tried here, and works."""
        return all(each.health in (Health.OK, Health.WARNING) for each in self.checks)

    def spared(self) -> "Checkup":
        """Return it with its failures as warnings: another place does what this one should do."""
        return replace(self, checks=tuple(map(_spared, self.checks)))


def exit_code_of(checkups: Iterable[Checkup]) -> int:
    """Return the exit code that checkups call for together."""
    return worst(check.exit_code for each in checkups for check in each.checks)


def passed(name: str, detail: str) -> Check:
    """Return a check that went well."""
    return Check(name, Health.OK, detail)


def warned(name: str, detail: str, *, cause: str = "", remedy: str = "") -> Check:
    """Return a check that went well, for now."""
    return Check(name, Health.WARNING, detail, cause, remedy)


def failed(
    name: str, detail: str, *, cause: str, remedy: str = "", may_pass: bool = False
) -> Check:
    """Return a check that went wrong."""
    return Check(name, Health.FAILED, detail, cause, remedy, may_pass)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, Health.SKIPPED, why)


def _spared(check: Check) -> Check:
    if check.health is not Health.FAILED:
        return check
    detail = f"{check.detail}; images are read elsewhere meanwhile"
    return replace(check, health=Health.WARNING, detail=detail, may_pass=False)

"""``reconcile policy set``: how the tags of a workload's images are chosen from now on."""

from collections.abc import Sequence

from reconciler.core.manifests.wishes import SetPolicies, check_policy
from reconciler.errors import PolicySyntaxError, SettingsError
from reconciler.interfaces.cli.annotating import run_wish
from reconciler.interfaces.cli.by_hand import Request
from reconciler.interfaces.cli.invocation import Invocation


def run(
    invocation: Invocation,
    *,
    workload: str,
    policies: Sequence[str],
    message: str | None,
    user: str | None,
) -> int:
    """Set the policies of a workload's containers; return the exit code.

    Raises:
        SettingsError: one is no ``CONTAINER=POLICY``; all of them are in the message.
        ReconcilerError: it could not be done.
    """
    wish = SetPolicies(_read(policies))
    return run_wish(invocation, Request(workload, message, user), "Set policies of", wish)


def _read(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        container, equals, policy = (part.strip() for part in text.partition("="))
        if not (equals and container and policy):
            problems.append(f"{text!r} is no CONTAINER=POLICY")
        elif found.setdefault(container, policy) != policy:
            problems.append(f"container {container!r} is given two policies")
        else:
            problems += _problems_of(policy)
    if problems:
        raise SettingsError("\n".join(problems))
    return found


def _problems_of(policy: str) -> list[str]:
    try:
        check_policy(policy)
    except PolicySyntaxError as error:
        return [str(error)]
    return []

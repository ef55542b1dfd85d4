"""``reconcile release``: give a workload an image that a person chose, in Git."""

from collections.abc import Sequence

from reconciler.core.choice import Choice
from reconciler.core.decision import Change
from reconciler.errors import ReferenceSyntaxError, SettingsError
from reconciler.interfaces.cli.by_hand import Request, run_by_hand
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.rendering import JSON
from reconciler.pipeline.release import release


def run(
    invocation: Invocation,
    *,
    workload: str,
    update_image: str,
    container: Sequence[str],
    force: bool,
    message: str | None,
    user: str | None,
) -> int:
    """Release an image to a workload; return the exit code.

    Raises:
        SettingsError: options are wrong, or there is no such workload, container or image.
        ReconcilerError: it could not be done.
    """
    try:
        choice = Choice.parse(update_image, containers=container, is_forced=force)
    except ReferenceSyntaxError as error:
        raise SettingsError(f"--update-image: {error.message}") from error
    return run_by_hand(
        invocation,
        Request(workload, message, user, is_about_images=True),
        lambda looks, order: release(looks, order, choice),
        line=_line,
        document=_document,
    )


def _line(change: Change) -> str:
    return f"{change.field.container}: {change.old} -> {change.new.suffix}"


def _document(change: Change) -> JSON:
    return {"container": change.field.container, "from": str(change.old), "to": str(change.new)}

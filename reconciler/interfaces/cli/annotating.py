"""What the commands share that edit a workload's annotations in Git."""

from reconciler.core.annotation_message import AnnotationChange
from reconciler.core.manifests.wishes import Wish
from reconciler.interfaces.cli.by_hand import Request, run_by_hand
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.rendering import JSON
from reconciler.pipeline.annotate import Annotation, annotate


def run_wish(invocation: Invocation, request: Request, verb: str, wish: Wish) -> int:
    """Edit the annotations of a workload, print what was done, and return the exit code.

    Raises:
        SettingsError: options are wrong, or there is no such workload or container.
        ReconcilerError: it could not be done.
    """
    annotation = Annotation(verb, wish)
    return run_by_hand(
        invocation,
        request,
        lambda looks, order: annotate(looks, order, annotation),
        line=str,
        document=_document,
    )


def _document(change: AnnotationChange) -> JSON:
    return {"annotation": change.key, "from": change.old, "to": change.new}

"""What the annotations of a workload ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.images.rules import DEFAULT_RULES, TagRules
from reconciler.core.manifests.annotated import Annotated
from reconciler.core.manifests.annotation_keys import SYNC_ONLY
from reconciler.core.manifests.image_rules import read_rules
from reconciler.core.manifests.workload import Workload
from reconciler.core.objects.marks import ON
from reconciler.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Automation:
    """What a workload's annotations ask for.

    Attributes:
        is_on: whether its images are updated at all.
        off_note: why they are not, and how to have it; empty if they are.
        is_locked: whether somebody locked it; ``lock_note`` says who and why.
        rules: how the image of each container is chosen.
        problems: what is wrong; a workload with a problem is not updated.
    """

    is_on: bool
    off_note: str
    is_locked: bool
    lock_note: str
    rules: Mapping[str, TagRules]
    problems: tuple[ManifestError, ...]

    def rules_of(self, container: str) -> TagRules:
        """Return how the image of a container is chosen."""
        return self.rules.get(container, DEFAULT_RULES)


def automation_of(workload: Workload, *, path: str) -> Automation:
    """Return what the annotations of a workload ask for."""
    annotated = Annotated(workload, path=path)
    annotated.check()
    off_note = _off_note(automated=annotated.value("automated"), ignore=annotated.value("ignore"))
    problems = list(annotated.problems)
    annotated.check_mappings()
    rules = read_rules(annotated)
    is_on = not off_note
    problems = annotated.problems if is_on else problems  # else nobody follows its rules
    notes = (annotated.value("locked_user"), annotated.value("locked_msg"))
    return Automation(
        is_on=is_on,
        off_note=off_note,
        is_locked=annotated.value("locked") == ON,
        lock_note=": ".join(note for note in notes if note),
        rules=rules,
        problems=tuple(problems),
    )


def _off_note(*, automated: str, ignore: str) -> str:
    if ignore in (ON, SYNC_ONLY):
        return f'not automated: its annotation ignore is "{ignore}"'
    return "" if automated == ON else 'not automated: annotate it fluxcd.io/automated: "true"'

"""What is wrong with the annotations of one workload, whether or not it is automated."""

from collections.abc import Iterator

from reconciler.core.lint.finding import Finding, Places, Rule
from reconciler.core.manifests.annotated import Annotated, text_of
from reconciler.core.manifests.annotation_keys import COMMON, FILTER_PREFIX, shown
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.image_rules import read_rules
from reconciler.core.manifests.workload import Workload
from reconciler.core.nearest import nearest
from reconciler.core.objects.marks import ON, OWN, PREFIXES

_FLUX_PREFIXES = tuple(prefix for prefix in PREFIXES if prefix != OWN)
_FLUX_KEYS = (*COMMON, "sync-checksum", "sync-gc-mark")  # fluxcd/flux 1.25, pkg/policy, pkg/sync
_PER_CONTAINER = "tag."
_SWITCHES = ("automated", "locked")


def lint_annotations(workload: Workload, *, path: str, places: Places) -> Iterator[Finding]:
    """Yield what is wrong with a workload's annotations.

    Those of a workload that nobody automated count too: they are wrong on the day that somebody
    does.
    """
    annotated = Annotated(workload, path=path)
    annotated.check()
    annotated.check_mappings()
    read_rules(annotated)
    for problem in annotated.problems:
        yield places.of_error(Rule.INVALID, problem)
    yield from _of_flux(workload, path, places)
    yield from _shadowed(workload, path, places)
    yield from _misplaced(workload, path, places)
    if annotated.value("automated") == ON and not workload.containers:
        message = f"{workload.key.workload} is automated, and has no image that could be updated"
        yield places.at_offset(Rule.NO_IMAGE, path, _switch(workload).start, message)


def _switch(workload: Workload) -> Scalar:
    """Return the key that automates a workload."""
    keys = [f"{prefix}automated" for prefix in PREFIXES]
    found = [key for key, _ in workload.annotations if key.value in keys]
    return min(found, key=lambda key: keys.index(key.value))


def _of_flux(workload: Workload, path: str, places: Places) -> Iterator[Finding]:
    """Yield what Flux's prefixes have that nobody reads: a cycle must leave it to Flux."""
    for key, value in workload.annotations:
        prefix = next((each for each in _FLUX_PREFIXES if key.value.startswith(each)), "")
        name = key.value.removeprefix(prefix)
        if not prefix or name.startswith(_PER_CONTAINER):
            continue
        if name not in _FLUX_KEYS:
            hint = nearest(name.partition(".")[0], (*COMMON, "tag"))
            message = f"unknown annotation {key.value!r}{hint}"
            yield places.at_offset(Rule.UNKNOWN_KEY, path, key.start, message)
        elif name in _SWITCHES and isinstance(value, Scalar) and value.value not in (ON, "false"):
            message = f'{key.value!r} is {shown(value.value)}: only "true" switches it on'
            yield places.at_offset(Rule.NO_SWITCH, path, value.start, message)


def _shadowed(workload: Workload, path: str, places: Places) -> Iterator[Finding]:
    """Yield the keys whose value is another one under a stronger prefix."""
    written = {key.value: text_of(value) for key, value in reversed(workload.annotations)}
    for key, value in workload.annotations:
        for weaker, prefix in enumerate(PREFIXES):
            name = key.value.removeprefix(prefix)
            if name == key.value or not (name in COMMON or name.startswith(_PER_CONTAINER)):
                continue
            stronger = [each + name for each in PREFIXES[:weaker] if each + name in written]
            if stronger and written[stronger[0]] != text_of(value):
                message = f"{key.value!r} does nothing beside {stronger[0]!r}: take one away"
                yield places.at_offset(Rule.SHADOWED, path, key.start, message)


def _misplaced(workload: Workload, path: str, places: Places) -> Iterator[Finding]:
    """Yield our keys in the annotations of a pod template, where they mean nothing."""
    spec = workload.node.mapping("spec")
    for around in (spec, spec.mapping("jobTemplate").mapping("spec")):
        annotations = around.mapping("template").mapping("metadata").mapping("annotations")
        for key, _ in annotations.entries:
            if isinstance(key, Scalar) and key.value.startswith((*PREFIXES, FILTER_PREFIX)):
                message = (
                    f"{key.value!r} means nothing in a pod template: "
                    f"write it in the metadata of {workload.key.workload} itself"
                )
                yield places.at_offset(Rule.MISPLACED, path, key.start, message)

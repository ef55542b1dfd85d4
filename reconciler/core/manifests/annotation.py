"""What the annotations of a workload ask for."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.manifests.document import Node, Scalar
from reconciler.core.manifests.value import is_text
from reconciler.core.manifests.workload import Workload
from reconciler.core.objects.marks import ON, OWN, PREFIXES
from reconciler.errors import ManifestError, PolicySyntaxError

SCREEN = ("fluxcd.io", "flux.weave.works", "reconcile")
"""A text with none of these has nothing for us."""

FILTER_PREFIX = "filter.fluxcd.io/"
SYNC_ONLY = "sync_only"

_LONGEST_SHOWN = 80  # characters of a value in a message
_COMMON = ("automated", "tag_all", "locked", "locked_user", "locked_msg", "ignore")
_OWN_KEYS = (*_COMMON, "policy", "prune")
_OWN_PER_CONTAINER = ("tag.", "policy.")
_LATER = ("digest", "platforms", "allow-downgrade", "force", "min-age", "window", "group", "verify",
          "on-failure", "approve", "build")  # fmt: skip
_LATER_PER_CONTAINER = ("filter.", "extract.")
_POLICY_KEYS = (
    ("flux.weave.works/tag_all", "flux.weave.works/tag."),
    ("fluxcd.io/tag_all", "fluxcd.io/tag."),
    ("", FILTER_PREFIX),
    ("reconcile/tag_all", "reconcile/tag."),
    ("reconcile/policy", "reconcile/policy."),
)
"""Keys for all containers and for one of them, the weakest first."""

_VALUES = {
    "automated": (ON, "false"),
    "locked": (ON, "false"),
    "ignore": (ON, "false", SYNC_ONLY),
    "prune": ("disabled",),
}


@dataclass(frozen=True, slots=True)
class Automation:
    """What a workload's annotations ask for.

    Attributes:
        is_on: whether its images are updated at all.
        off_note: why they are not, and how to have it; empty if they are.
        is_locked: whether somebody locked it; ``lock_note`` says who and why.
        policies: of the containers that have one of their own.
        policy: of the others.
        problems: what is wrong; a workload with a problem is not updated.
    """

    is_on: bool
    off_note: str
    is_locked: bool
    lock_note: str
    policies: Mapping[str, Policy]
    policy: Policy
    problems: tuple[ManifestError, ...]

    def policy_of(self, container: str) -> Policy:
        """Return how the image of a container is chosen."""
        return self.policies.get(container, self.policy)


def automation_of(workload: Workload, *, path: str) -> Automation:
    """Return what the annotations of a workload ask for."""
    reader = _Reader(workload, path)
    reader.check_texts()
    reader.check_own_keys()
    off_note = _off_note(automated=reader.value("automated"), ignore=reader.value("ignore"))
    is_on = not off_note
    problems = list(reader.problems)
    reader.read_policies()
    problems = reader.problems if is_on else problems  # else nobody follows its policies
    notes = (reader.value("locked_user"), reader.value("locked_msg"))
    return Automation(
        is_on=is_on,
        off_note=off_note,
        is_locked=reader.value("locked") == ON,
        lock_note=": ".join(note for note in notes if note),
        policies=reader.policies,
        policy=reader.policy,
        problems=tuple(problems),
    )


def _off_note(*, automated: str, ignore: str) -> str:
    if ignore in (ON, SYNC_ONLY):
        return f'not automated: its annotation ignore is "{ignore}"'
    return "" if automated == ON else 'not automated: annotate it fluxcd.io/automated: "true"'


class _Reader:
    """Reads one workload's annotations, collecting what is wrong with them."""

    def __init__(self, workload: Workload, path: str) -> None:
        self._workload = workload
        self._path = path
        self._by_key: dict[str, tuple[Scalar, Node]] = {}
        for key, value in workload.annotations:
            self._by_key.setdefault(key.value, (key, value))
        self.policies: dict[str, Policy] = {}
        self.policy: Policy = DEFAULT_POLICY
        self.problems: list[ManifestError] = []

    def value(self, name: str) -> str:
        """Return the value of a key that all prefixes share; the strongest prefix wins."""
        for prefix in PREFIXES:
            found = self._by_key.get(prefix + name)
            if found and isinstance(found[1], Scalar):
                return found[1].value
        return ""

    def check_texts(self) -> None:
        """Refuse what the API server will: an annotation that is no text, for want of quotes."""
        for text, (_, value) in self._by_key.items():
            if text.startswith((*PREFIXES, FILTER_PREFIX)) and not is_text(value):
                self._complain(value, f"annotation {text!r} is no text: put its value in quotes")

    def check_own_keys(self) -> None:
        """Refuse what stands under our own prefix and means nothing: it may be a slip."""
        for text, (key, value) in self._by_key.items():
            if text.startswith(OWN):
                self._check_own_key(text.removeprefix(OWN), key)
                self._check_value(text.removeprefix(OWN), value)

    def read_policies(self) -> None:
        """Read the policies, the weakest key first, so that stronger ones overwrite."""
        for for_all, for_one in _POLICY_KEYS:
            for text, (_, value) in self._by_key.items():
                if text == for_all:
                    self.policy = self._policy(value) or self.policy
                elif text.startswith(for_one):
                    self._read_container(text.removeprefix(for_one), value)

    def _read_container(self, name: str, value: Node) -> None:
        names = [container.name for container in self._workload.containers]
        if name not in names:
            hint = _nearest(name, names) or f"; it has {', '.join(names) or 'none'}"
            self._complain(value, f"{self._who()} has no container {name!r}{hint}")
        elif policy := self._policy(value):
            self.policies[name] = policy

    def _policy(self, value: Node) -> Policy | None:
        text = value.value if isinstance(value, Scalar) else ""
        try:
            return parse_policy(text)
        except PolicySyntaxError as error:
            self._complain(value, error.message)
            return None

    def _check_own_key(self, name: str, key: Scalar) -> None:
        if name in _OWN_KEYS or name.startswith(_OWN_PER_CONTAINER):
            return
        if name in _LATER or name.startswith(_LATER_PER_CONTAINER):
            self._complain(key, f"annotation {OWN + name!r} is not supported by this release")
            return
        hint = _nearest(name.partition(".")[0], (*_OWN_KEYS, "tag"))
        self._complain(key, f"unknown annotation {OWN + name!r}{hint}")

    def _check_value(self, name: str, value: Node) -> None:
        allowed = _VALUES.get(name)
        text = value.value if isinstance(value, Scalar) else ""
        if allowed and text not in allowed:
            known = " or ".join(repr(each) for each in allowed)
            self._complain(value, f"annotation {OWN + name!r} must be {known}, not {_shown(text)}")

    def _who(self) -> str:
        return self._workload.key.workload

    def _complain(self, node: Node, message: str) -> None:
        self.problems.append(ManifestError(message, where=f"{self._path}:{node.line}"))


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""

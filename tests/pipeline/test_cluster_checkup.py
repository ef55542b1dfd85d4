"""Which rights doctor asks about, where there are very many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.core.checkup import Check
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.right import Right
from reconciler.pipeline.cluster_checkup import MOST_RIGHTS, _lacking


@dataclass
class Probe:
    """Grants what is named, and counts what it is asked."""

    granted: frozenset[Right] = frozenset()
    asked: list[Right] = field(default_factory=list)
    name: str = "a cluster"

    def check_server(self) -> Iterable[Check]:
        return ()

    def lacking(
        self, rights: Sequence[Right], account: ServiceAccount | None = None
    ) -> Sequence[Right]:
        del account
        self.asked += rights
        return [each for each in rights if each not in self.granted]

    def try_memory(self, source: str) -> str:
        return source


def patch(namespace: str) -> Right:
    return Right("apps", "deployments", namespace, "patch")


def test_what_is_granted_everywhere_is_asked_about_once() -> None:
    probe = Probe(frozenset({patch("")}))

    assert _lacking([patch(f"n{number}") for number in range(5000)], probe, None) == []
    assert probe.asked == [patch("")]


def test_what_is_granted_in_one_namespace_is_found_there() -> None:
    probe = Probe(frozenset({patch("a")}))

    assert _lacking([patch("a"), patch("b")], probe, None) == [patch("b")]


def test_of_very_many_namespaces_not_all_are_asked_about() -> None:
    probe = Probe()

    found = _lacking([patch(f"n{number}") for number in range(5000)], probe, None)

    assert len(found) == MOST_RIGHTS
    assert len(probe.asked) == MOST_RIGHTS + 1


def test_rights_to_kinds_without_namespaces_are_asked_about_once() -> None:
    probe = Probe()

    assert _lacking([patch("")], probe, None) == [patch("")]
    assert probe.asked == [patch("")]

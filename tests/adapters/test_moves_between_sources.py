"""Objects that move from one source to another, or that two want, on a real API server."""

import json
from dataclasses import dataclass, replace

import pytest

from lab.control_plane import ControlPlane
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.report import Action
from reconciler.core.revision import Revision
from reconciler.errors import ClusterError, RefusedError
from reconciler.pipeline.neighbours import Kin
from reconciler.pipeline.sync import Synced
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.adapters.deployers import RIGHTS

pytestmark = pytest.mark.cluster

MOVED = [config_map("moved"), deployment("moved-web")]


@dataclass
class Pair:
    """Two sources of one process, that read the same branch."""

    a: Cluster
    b: Cluster

    def sync(self, name: str, commit: int, *texts: str, **settings: object) -> Synced:
        """Sync one of the two at a commit."""
        cluster = self.a if name == "a" else self.b
        kin = Kin(frozenset({"a", "b"}), same_branch=frozenset({"a", "b"} - {name}))
        revision = Revision("main", f"{commit:040x}")
        return cluster.sync(*texts, kin=kin, revision=revision, **settings)  # type: ignore[arg-type]  # by name

    def uids(self) -> list[str]:
        """Return the uids of what moves."""
        found = json.loads(
            self.a.kubectl("get", "configmap/moved", "deployment/moved-web", "-o", "json")
        )
        return [item["metadata"]["uid"] for item in found["items"]]

    def owner(self) -> str:
        """Return the set that what moves belongs to."""
        path = "jsonpath={.metadata.labels.applyset\\.kubernetes\\.io/part-of}"
        return self.a.kubectl("get", "configmap/moved", "-o", path)


@pytest.fixture
def pair(control_plane: ControlPlane) -> Pair:
    cluster = Cluster.fresh(control_plane)
    a, b = replace(cluster, source="a"), replace(cluster, source="b")
    pair = Pair(a, b)
    assert pair.sync("a", 1, config_map("of-a"), *MOVED).problems == ()
    assert pair.sync("b", 1, config_map("of-b")).problems == ()
    return pair


def test_what_moves_is_kept_if_the_source_that_loses_it_is_first(pair: Pair) -> None:
    before, owner = pair.uids(), pair.owner()

    loses = pair.sync("a", 2, config_map("of-a"))
    assert loses.problems == ()
    assert pair.a.actions(loses)["configmap/moved"] is Action.KEPT
    gains = pair.sync("b", 2, config_map("of-b"), *MOVED)
    assert gains.problems == ()
    again = pair.sync("a", 2, config_map("of-a"))

    assert pair.uids() == before
    assert pair.owner() != owner
    assert "configmap/moved" not in pair.a.actions(again), "it is forgotten"
    mark = pair.a.control_plane.mark()
    assert pair.sync("a", 2, config_map("of-a")).problems == ()
    assert pair.sync("b", 2, config_map("of-b"), *MOVED).problems == ()
    assert pair.a.control_plane.writes(since=mark) == []


def test_what_moves_is_kept_if_the_source_that_gains_it_is_first(pair: Pair) -> None:
    before, owner = pair.uids(), pair.owner()

    gains = pair.sync("b", 2, config_map("of-b"), *MOVED)
    assert {type(problem) for problem in gains.problems} == {ClusterError}, "it will pass"
    assert "belongs to source 'a' until that has built 0000000 too" in str(gains.problems[0])
    loses = pair.sync("a", 2, config_map("of-a"))
    assert {each.reason for each in loses.report.objects if each.action is Action.KEPT} == {
        "moves to source 'b'"
    }
    assert pair.sync("b", 2, config_map("of-b"), *MOVED).problems == ()

    assert pair.uids() == before
    assert pair.owner() != owner


def test_what_moves_is_kept_though_the_other_source_cannot_read_all_of_it(pair: Pair) -> None:
    before = pair.uids()

    pair.sync("b", 2, config_map("of-b"), "a: [\napiVersion: v1\n")
    assert pair.sync("a", 2, config_map("of-a")).problems == ()
    assert pair.uids() == before

    assert pair.sync("b", 3, config_map("of-b"), *MOVED).problems == ()
    assert pair.uids() == before


def test_what_moves_nowhere_is_deleted_when_all_sources_of_the_branch_have_seen_it(
    pair: Pair,
) -> None:
    pair.sync("a", 2, config_map("of-a"))
    assert len(pair.uids()) == 2
    pair.sync("b", 2, config_map("of-b"))

    gone = pair.sync("a", 2, config_map("of-a"))

    assert pair.a.actions(gone)["deployment/moved-web"] is Action.DELETED
    assert "moved" not in pair.a.names("configmap")


def test_a_whole_set_may_move_and_is_not_over_the_budget(pair: Pair) -> None:
    many = [config_map(f"many{number}") for number in range(20)]
    pair.sync("a", 2, config_map("of-a"), *many, *MOVED)
    before = pair.uids()
    pair.sync("b", 3, config_map("of-b"), *many, *MOVED)

    assert pair.sync("a", 3, config_map("of-a")).problems == ()
    assert pair.sync("b", 3, config_map("of-b"), *many, *MOVED).problems == ()
    assert pair.uids() == before


def test_of_two_sources_that_want_an_object_both_are_named(pair: Pair) -> None:
    pair.sync("a", 2, config_map("of-a"), *MOVED)

    synced = pair.sync("b", 2, config_map("of-b"), *MOVED)

    assert {type(problem) for problem in synced.problems} == {RefusedError}
    told = str(synced.problems[0])
    assert "file1.yaml:1: configmap/moved" in told
    assert "belongs to source 'a', and source 'b' wants it too" in told


def test_a_source_of_another_process_is_named_and_told_of(pair: Pair) -> None:
    before = pair.uids()
    stranger = replace(pair.a, source="stranger", revisions=pair.a.revisions)

    synced = stranger.sync(*MOVED)
    assert "belongs to source 'a', and source 'stranger' wants it too" in str(synced.problems[0])
    assert pair.sync("b", 2, config_map("of-b")).problems == ()
    loses = pair.sync("a", 2, config_map("of-a"))
    assert (
        "moves to source 'stranger' (if there is none any more, delete the ConfigMap "
        "'reconcile-stranger' beside our own state)"
    ) in {each.reason for each in loses.report.objects}
    assert stranger.sync(*MOVED).problems == ()
    assert pair.uids() == before


def test_the_set_of_another_tool_is_told_as_such(pair: Pair) -> None:
    pair.a.kubectl("create", "configmap", "theirs")
    pair.a.kubectl("label", "configmap", "theirs", f"{PART_OF_LABEL}=applyset-of-helm-v1")

    synced = pair.sync("a", 2, config_map("of-a"), *MOVED, config_map("theirs"))

    assert "belongs to the set 'applyset-of-helm-v1' of another tool" in str(synced.problems[0])


def test_a_state_that_cannot_be_read_keeps_what_its_source_might_want(pair: Pair) -> None:
    pair.sync("b", 2, config_map("of-b"))
    pair.a.control_plane.kubectl(
        "-n", f"{pair.a.namespace}-state", "patch", "configmap", "reconcile-b",
        "-p", '{"data":{"state.0.json":"{"}}',
    )  # fmt: skip

    loses = pair.sync("a", 2, config_map("of-a"))

    kept = [each.reason for each in loses.report.objects if each.action is Action.KEPT]
    assert kept
    assert "source 'b' may want it, whose state cannot be read" in kept[0]


@pytest.mark.parametrize("is_permitted", [False, True], ids=["may-not", "may"])
def test_an_object_is_not_kept_for_a_source_that_may_not_have_it(
    pair: Pair, is_permitted: bool
) -> None:
    account = ServiceAccount(pair.a.namespace, "deployer")
    if is_permitted:
        pair.a.kubectl("apply", "-f", "-", stdin=RIGHTS.replace("NAMESPACE", account.namespace))
    wishes = replace(pair.b, account=account).sync(config_map("moved"), kin=Kin(frozenset("ab")))
    assert wishes.problems
    accounts = {"b": account}

    loses = pair.a.sync(config_map("of-a"), MOVED[1], kin=Kin(frozenset("ab"), accounts=accounts))

    expected = Action.KEPT if is_permitted else Action.DELETED
    assert pair.a.actions(loses)["configmap/moved"] is expected

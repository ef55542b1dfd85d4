import pytest

from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.manifests.annotation import Automation, automation_of
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.workload import workloads_in

HEAD = """\
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {containers: [{name: web, image: w}, {name: log, image: l}]}}}
metadata:
  name: web
  namespace: shop
  annotations:
"""
FIRST_LINE = 8
ON = 'fluxcd.io/automated: "true"'
ONE, TWO = "semver:~1", "semver:~2"


def automation(*lines: str, before: str = "") -> Automation:
    text = before + HEAD + "".join(f"    {line}\n" for line in lines)
    (document,) = parse_documents(text, path="a.yaml")
    (workload,) = workloads_in(document.root, default_namespace="default")
    return automation_of(workload, path="a.yaml")


def problems(*lines: str) -> list[str]:
    return [str(problem) for problem in automation(*lines).problems]


@pytest.mark.parametrize("prefix", ["fluxcd.io/", "flux.weave.works/", "reconcile/"])
def test_any_prefix_switches_on_and_locks(prefix: str) -> None:
    found = automation(
        f"{prefix}automated: 'true'", f"{prefix}locked: 'true'", f"{prefix}locked_user: ann"
    )

    assert (found.is_on, found.is_locked, found.lock_note) == (True, True, "ann")


@pytest.mark.parametrize("value", ["'false'", "'True'", "'yes'", "''"])
def test_nothing_but_true_switches_on(value: str) -> None:
    assert not automation(f"fluxcd.io/automated: {value}").is_on
    assert not automation(ON, f"fluxcd.io/locked: {value}").is_locked


@pytest.mark.parametrize(
    ("value", "is_on"), [("'true'", False), ("sync_only", False), ("no-", True)]
)
def test_what_is_ignored_is_not_automated(value: str, *, is_on: bool) -> None:
    assert automation(ON, f"fluxcd.io/ignore: {value}").is_on is is_on


def test_what_is_off_says_what_keeps_it_so() -> None:
    how = 'not automated: annotate it fluxcd.io/automated: "true"'

    assert automation(ON).off_note == ""
    assert automation("a: b").off_note == how
    assert automation("fluxcd.io/automated: 'false'").off_note == how
    ignored = automation(ON, "fluxcd.io/ignore: sync_only")
    assert ignored.off_note == 'not automated: its annotation ignore is "sync_only"'


def test_our_prefix_wins_over_flux_and_flux_over_its_older_one() -> None:
    assert not automation(ON, "reconcile/automated: 'false'").is_on
    assert automation(ON, "flux.weave.works/automated: 'false'").is_on


def test_a_lock_says_who_and_why() -> None:
    found = automation(
        ON, "fluxcd.io/locked: 'true'", "fluxcd.io/locked_user: ann", "fluxcd.io/locked_msg: crash"
    )

    assert found.lock_note == "ann: crash"


def test_annotations_taken_over_by_a_merge_key_count() -> None:
    shared = "x-shared: &shared {fluxcd.io/automated: 'true', fluxcd.io/locked: 'true'}\n"
    found = automation("<<: *shared", before=shared)

    assert found.is_on
    assert found.is_locked
    assert not automation("<<: *shared", "fluxcd.io/locked: 'false'", before=shared).is_locked


def test_without_a_policy_the_shape_decides() -> None:
    assert automation(ON).rules_of("web").policy is DEFAULT_POLICY


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("reconcile/policy.web", "reconcile/tag.web"),
        ("reconcile/tag.web", "filter.fluxcd.io/web"),
        ("filter.fluxcd.io/web", "fluxcd.io/tag.web"),
        ("fluxcd.io/tag.web", "flux.weave.works/tag.web"),
        ("flux.weave.works/tag.web", "reconcile/policy"),
        ("reconcile/policy", "reconcile/tag_all"),
        ("reconcile/tag_all", "fluxcd.io/tag_all"),
        ("fluxcd.io/tag_all", "flux.weave.works/tag_all"),
    ],
)
def test_of_two_policies_the_stronger_key_wins_in_any_order(stronger: str, weaker: str) -> None:
    lines = (f"{stronger}: {ONE}", f"{weaker}: {TWO}")

    for found in (automation(ON, *lines), automation(ON, *reversed(lines))):
        assert str(found.rules_of("web").policy) == str(parse_policy(ONE))
        assert found.problems == ()


def test_a_policy_of_one_container_is_not_the_others() -> None:
    found = automation(ON, f"fluxcd.io/tag.web: {ONE}")

    assert str(found.rules_of("web").policy) == str(parse_policy(ONE))
    assert found.rules_of("log").policy is DEFAULT_POLICY


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            "reconcile/polcy: semver:1",
            "unknown annotation 'reconcile/polcy'; did you mean 'policy'?",
            id="slip",
        ),
        pytest.param(
            "reconcile/polcy.web: semver:1",
            "unknown annotation 'reconcile/polcy.web'; did you mean 'policy'?",
            id="slip-with-container",
        ),
        pytest.param("reconcile/zzz: x", "unknown annotation 'reconcile/zzz'", id="unknown"),
        pytest.param(
            "reconcile/digest: pin",
            "annotation 'reconcile/digest' is not supported by this release",
            id="later",
        ),
        pytest.param(
            "reconcile/filter.web: x",
            "annotation 'reconcile/filter.web' is not supported by this release",
            id="later-with-container",
        ),
        pytest.param(
            "reconcile/automated: 'yes'",
            "annotation 'reconcile/automated' must be 'true' or 'false', not 'yes'",
            id="value",
        ),
        pytest.param(
            f"reconcile/prune: {'x' * 100}",
            f"annotation 'reconcile/prune' must be 'disabled', not '{'x' * 80}…'",
            id="long-value",
        ),
        pytest.param(
            "fluxcd.io/tag.wep: semver:1",
            "shop:deployment/web has no container 'wep'; did you mean 'web'?",
            id="container",
        ),
        pytest.param(
            "filter.fluxcd.io/zzz: semver:1",
            "shop:deployment/web has no container 'zzz'; it has web, log",
            id="container-unlike-any",
        ),
        pytest.param(
            "reconcile/policy.: semver:1",
            "shop:deployment/web has no container ''; it has web, log",
            id="no-container",
        ),
        pytest.param(
            "fluxcd.io/locked: true",
            "annotation 'fluxcd.io/locked' is no text: put its value in quotes",
            id="bool",
        ),
        pytest.param(
            "fluxcd.io/locked_msg: [a]",
            "annotation 'fluxcd.io/locked_msg' is no text: put its value in quotes",
            id="list",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_nearest_word(line: str, message: str) -> None:
    assert problems(ON, line) == [f"a.yaml:{FIRST_LINE + 1}: {message}"]


@pytest.mark.parametrize("value", ["1.*", "'semver:'", "'*'", "{a: b}"])
def test_a_policy_that_cannot_be_followed_is_told(value: str) -> None:
    found = problems(ON, f"fluxcd.io/tag.web: {value}")

    assert found
    assert all(each.startswith(f"a.yaml:{FIRST_LINE + 1}: ") for each in found)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(ON, "reconcile/a: x", "reconcile/b: x", "fluxcd.io/tag.q: semver:1")) == 3


def test_policies_of_what_is_not_automated_are_nobodys_business() -> None:
    assert problems("fluxcd.io/tag.web: glob:x") == []


def test_annotations_of_others_are_left_alone() -> None:
    assert problems("example.com/x: true", "reconciler/zzz: x") == []

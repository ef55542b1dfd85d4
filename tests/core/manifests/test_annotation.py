import pytest

from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.rules import DEFAULT_RULES
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
            "reconcile/min-age: 1d",
            "annotation 'reconcile/min-age' is not supported by this release",
            id="later",
        ),
        pytest.param(
            "reconcile/digst: pin",
            "unknown annotation 'reconcile/digst'; did you mean 'digest'?",
            id="slip-of-digest",
        ),
        pytest.param(
            "reconcile/platforms.web: linux/amd64",
            "unknown annotation 'reconcile/platforms.web'; did you mean 'platforms'?",
            id="of-the-whole-workload-alone",
        ),
        pytest.param(
            "reconcile/digest: always",
            "annotation 'reconcile/digest' must be 'never' or 'pin', not 'always'",
            id="digest",
        ),
        pytest.param(
            "reconcile/allow-downgrade: 'yes'",
            "annotation 'reconcile/allow-downgrade' must be 'true' or 'false', not 'yes'",
            id="downgrade",
        ),
        pytest.param(
            "reconcile/platforms: linux/amd64, arm64",
            "invalid platform 'arm64': is no platform; write 'linux/amd64' or 'linux/arm/v7'",
            id="platform",
        ),
        pytest.param(
            "reconcile/platforms: ''",
            "invalid platform '': is no platform; write 'linux/amd64' or 'linux/arm/v7'",
            id="no-platform",
        ),
        pytest.param(
            "reconcile/filter.wep: x",
            "shop:deployment/web has no container 'wep'; did you mean 'web'?",
            id="filter-of-no-container",
        ),
        pytest.param("reconcile/filter: ''", "invalid filter '': is empty", id="empty-filter"),
        pytest.param(
            "reconcile/extract.web: $1",
            "container 'web' has an extract and no filter for its groups",
            id="extract-without-filter",
        ),
        pytest.param(
            "reconcile/zz.web: x", "unknown annotation 'reconcile/zz.web'", id="unknown-with-dot"
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


@pytest.mark.parametrize("key", ["fluxcd.io/tag.web", "reconcile/policy.web"])
@pytest.mark.parametrize("value", ["'semver:'", "''", "'regexp:('", "{a: b}", "number:asc"])
def test_a_policy_that_cannot_be_followed_is_told(key: str, value: str) -> None:
    found = problems(ON, f"{key}: {value}")

    assert found
    assert all(each.startswith(f"a.yaml:{FIRST_LINE + 1}: ") for each in found)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(ON, "reconcile/a: x", "reconcile/b: x", "fluxcd.io/tag.q: semver:1")) == 3


@pytest.mark.parametrize(
    "key",
    ["fluxcd.io/tag.web", "fluxcd.io/tag_all", "filter.fluxcd.io/web", "flux.weave.works/tag.web"],
)
@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("'1.*'", "glob:1.*"),
        ("'*'", "glob:*"),
        ("newest", "glob:newest"),
        ("minor", "glob:minor"),
        ("glob:1.*", "glob:1.*"),
        ("regexp:^v1", "regexp:^v1"),
        ("regex:^v1", "regexp:^v1"),
        (ONE, ONE),
    ],
)
def test_under_the_keys_of_flux_a_value_without_a_keyword_is_a_glob(
    key: str, value: str, policy: str
) -> None:
    found = automation(ON, f"{key}: {value}")

    assert (found.problems, str(found.rules_of("web").policy)) == ((), policy)


@pytest.mark.parametrize("key", ["reconcile/policy", "reconcile/tag.web", "reconcile/tag_all"])
def test_under_our_own_keys_a_value_needs_a_keyword(key: str) -> None:
    assert str(automation(ON, f"{key}: newest").rules_of("web").policy) == "newest"
    assert problems(ON, f"{key}: 1.*")[0].startswith(f"a.yaml:{FIRST_LINE + 1}: invalid policy")


def test_a_filter_and_its_extract_are_one_containers_or_all_the_others() -> None:
    found = automation(
        ON,
        "reconcile/filter: '^v(.*)$'",
        "reconcile/extract: $1",
        "reconcile/filter.log: '-(?P<time>[0-9]+)$'",
        "reconcile/extract.log: $time",
    )

    assert found.problems == ()
    assert str(found.rules_of("web").tag_filter) == "^v(.*)$ -> $1"
    assert str(found.rules_of("log").tag_filter) == "-(?P<time>[0-9]+)$ -> $time"


def test_a_filter_stands_without_an_extract_and_for_one_container_alone() -> None:
    found = automation(ON, "reconcile/filter.web: ^v")

    assert str(found.rules_of("web").tag_filter) == "^v"
    assert found.rules_of("log") == DEFAULT_RULES


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        pytest.param(
            ["reconcile/filter: '('"], 1, "invalid filter '(': is no regular expression of RE2: ",
            id="expression",
        ),
        pytest.param(
            ["reconcile/filter: ^v", "reconcile/extract.web: $time"], 2,
            "invalid extract '$time': the filter has no group 'time'", id="group",
        ),
        pytest.param(
            ["reconcile/filter: ^v", "reconcile/extract: ''"], 2, "invalid extract '': is empty",
            id="empty-extract",
        ),
        pytest.param(
            ["reconcile/filter.web: ^v", "reconcile/extract: $0"], 2,
            "container 'log' has an extract and no filter for its groups", id="one-without-filter",
        ),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_used_is_told_once(
    lines: list[str], line: int, message: str
) -> None:
    (found,) = problems(ON, *lines)

    assert found.startswith(f"a.yaml:{FIRST_LINE + line}: {message}")


def test_platforms_are_a_list_with_commas() -> None:
    found = automation(ON, "reconcile/platforms: linux/amd64, linux/arm/v7,linux/amd64")

    assert found.rules_of("web").platforms == (
        Platform("linux", "amd64"),
        Platform("linux", "arm", "v7"),
    )


@pytest.mark.parametrize(("value", "is_pinned"), [("pin", True), ("never", False)])
def test_a_digest_is_pinned_where_that_is_asked_for(value: str, *, is_pinned: bool) -> None:
    assert automation(ON, f"reconcile/digest: {value}").rules_of("log").pins_digest is is_pinned
    assert not automation(ON).rules_of("log").pins_digest


@pytest.mark.parametrize(("value", "is_allowed"), [("'true'", True), ("'false'", False)])
def test_going_back_is_allowed_by_true_alone(value: str, *, is_allowed: bool) -> None:
    found = automation(ON, f"reconcile/allow-downgrade: {value}")

    assert found.rules_of("web").allows_downgrade is is_allowed


def test_keys_of_our_own_mean_nothing_under_the_prefixes_of_flux() -> None:
    found = automation(
        ON, "fluxcd.io/digest: pin", "fluxcd.io/platforms: x", "fluxcd.io/policy: semver:1"
    )

    assert (found.problems, found.rules_of("web")) == ((), DEFAULT_RULES)


def test_policies_of_what_is_not_automated_are_nobodys_business() -> None:
    assert problems("reconcile/policy.web: x") == []


def test_annotations_of_others_are_left_alone() -> None:
    assert problems("example.com/x: true", "reconciler/zzz: x") == []

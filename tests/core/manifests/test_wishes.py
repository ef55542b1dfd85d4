"""What people want of a workload, as edits of its annotations."""

import pytest

from reconciler.core.manifests.finding import AnnotationEdit, objects_of
from reconciler.core.manifests.wishes import (
    Lock,
    SetPolicies,
    Written,
    automate,
    check_policy,
    deautomate,
    unlock,
)
from reconciler.errors import NotFoundError, PolicySyntaxError

FLUX, OLD, OWN = "fluxcd.io/", "flux.weave.works/", "reconcile/"


def written(*keys: str, text: str = "") -> Written:
    lines = "".join(f"    {key}: 'x'\n" for key in keys)
    manifest = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"
        + (f"  annotations:\n{lines}" if keys else "")
        + "spec:\n  containers:\n  - {name: nginx, image: nginx:1}\n  - {name: side, image: a:1}\n"
    )
    (found,) = objects_of("web.yaml", manifest, default_namespace="default")
    return Written(found.workload, text)


def pairs(edits: object) -> list[tuple[str, str | None]]:
    assert isinstance(edits, list)
    assert all(isinstance(each, AnnotationEdit) for each in edits)
    return [(each.key, each.value) for each in edits]


@pytest.mark.parametrize(
    ("there", "key"),
    [
        pytest.param(written(), f"{FLUX}automated", id="nothing"),
        pytest.param(written(f"{OLD}tag.nginx"), f"{OLD}automated", id="the-prefix-of-others"),
        pytest.param(written(f"{OLD}automated"), f"{OLD}automated", id="where-it-stands"),
        pytest.param(written(f"{OLD}automated", f"{FLUX}x"), f"{OLD}automated", id="not-another"),
        pytest.param(
            written(f"{OLD}automated", f"{OWN}automated"), f"{OWN}automated", id="the-strongest"
        ),
        pytest.param(written(text=f"{OLD}automated"), f"{OLD}automated", id="that-of-the-file"),
        pytest.param(written("x/automated"), f"{FLUX}automated", id="a-stranger-s"),
    ],
)
def test_a_prefix_that_is_used_is_kept(there: Written, key: str) -> None:
    assert pairs(automate(there)) == [(key, "true")]


def test_what_is_switched_off_is_off_under_every_prefix() -> None:
    there = written(f"{OLD}automated", f"{FLUX}locked", f"{OLD}locked_msg", f"{OWN}automated")

    assert pairs(deautomate(there)) == [(f"{OWN}automated", None), (f"{OLD}automated", None)]
    assert pairs(unlock(there)) == [(f"{FLUX}locked", None), (f"{OLD}locked_msg", None)]
    assert pairs(deautomate(written())) == []


def test_a_lock_says_who_and_why_and_not_who_locked_it_before() -> None:
    there = written(f"{OLD}locked", f"{OLD}locked_user", f"{OLD}locked_msg")

    assert pairs(Lock("jane", "wait")(written())) == [
        (f"{FLUX}locked", "true"),
        (f"{FLUX}locked_user", "jane"),
        (f"{FLUX}locked_msg", "wait"),
    ]
    assert pairs(Lock("jane")(there)) == [
        (f"{OLD}locked", "true"),
        (f"{OLD}locked_user", "jane"),
        (f"{OLD}locked_msg", None),
    ]
    assert pairs(Lock()(there)) == [(f"{OLD}locked", "true")]


@pytest.mark.parametrize(
    ("keys", "container", "policy", "expected"),
    [
        pytest.param((), "nginx", "semver:^1", (f"{FLUX}tag.nginx", "semver:^1"), id="new"),
        pytest.param((), "*", "glob:v*", (f"{FLUX}tag_all", "glob:v*"), id="all"),
        pytest.param((), "nginx", "newest", (f"{OWN}policy.nginx", "newest"), id="a-word"),
        pytest.param((), "*", "minor", (f"{OWN}policy", "minor"), id="a-word-for-all"),
        pytest.param(
            (f"{OWN}digest",), "nginx", "semver:1", (f"{OWN}policy.nginx", "semver:1"), id="ours"
        ),
        pytest.param(
            (f"{OWN}tag.nginx",), "nginx", "newest", (f"{OWN}tag.nginx", "newest"), id="where-it-is"
        ),
        pytest.param(
            ("filter.fluxcd.io/nginx", f"{OLD}tag.nginx"),
            "nginx",
            "glob:1*",
            ("filter.fluxcd.io/nginx", "glob:1*"),
            id="the-stronger",
        ),
        pytest.param(
            (f"{OLD}tag_all",), "*", "glob:1*", (f"{OLD}tag_all", "glob:1*"), id="old-for-all"
        ),
    ],
)
def test_a_policy_goes_where_it_counts_and_means_the_same(
    keys: tuple[str, ...], container: str, policy: str, expected: tuple[str, str]
) -> None:
    assert pairs(SetPolicies({container: policy})(written(*keys))) == [expected]


def test_the_default_policy_removes_all_that_is_written_for_a_container() -> None:
    there = written(f"{OLD}tag.nginx", f"{OWN}policy.nginx", f"{OWN}policy", f"{FLUX}tag.side")

    assert pairs(SetPolicies({"nginx": "default"})(there)) == [
        (f"{OWN}policy.nginx", None),
        (f"{OLD}tag.nginx", None),
    ]
    assert pairs(SetPolicies({"*": "default"})(there)) == [(f"{OWN}policy", None)]


def test_unknown_containers_are_all_named_with_what_is_near() -> None:
    wish = SetPolicies({"ngin": "minor", "zzz": "minor", "nginx": "minor"})

    with pytest.raises(NotFoundError) as caught:
        wish(written())
    assert str(caught.value) == (
        "default:pod/web has no container 'ngin'; did you mean 'nginx'?; "
        "default:pod/web has no container 'zzz'; it has nginx, side"
    )


def test_a_policy_is_checked_as_an_annotation_s_would_be() -> None:
    check_policy("default")
    check_policy("semver:^1")
    with pytest.raises(PolicySyntaxError, match="no such policy"):
        check_policy("server:1")

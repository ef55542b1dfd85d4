"""What lint finds in manifests, and what it leaves alone."""

from collections.abc import Mapping

import pytest

from reconciler.core.lint.finding import Level, Rule
from reconciler.core.lint.linting import Lint, lint
from reconciler.core.manifests.images import inspect
from reconciler.core.manifests.linking import link
from reconciler.errors import ManifestError

AUTOMATED = ('fluxcd.io/automated: "true"',)


def deployment(
    *containers: str,
    name: str = "web",
    annotations: tuple[str, ...] = (),
    pod: tuple[str, ...] = (),
) -> str:
    lines = ["apiVersion: apps/v1", "kind: Deployment", "metadata:", f"  name: {name}"]
    lines += ["  annotations:", *(f"    {each}" for each in annotations)] if annotations else []
    lines += ["spec:", "  template:"]
    lines += ["    metadata:", "      annotations:", *(f"        {each}" for each in pod)] * bool(
        pod
    )
    lines += ["    spec:", "      containers:"]
    for number, image in enumerate(containers):
        lines += [f"      - name: c{number}", f"        image: {image}"]
    return "\n".join([*lines, ""])


def linted(texts: Mapping[str, str] | str) -> Lint:
    by_path = {"web.yaml": texts} if isinstance(texts, str) else texts
    reports = link(
        [
            inspect(path, text, default_namespace="default", is_survey=True)
            for path, text in by_path.items()
        ]
    )
    return lint(reports, by_path, default_namespace="default")


def found(texts: Mapping[str, str] | str) -> list[tuple[str, str, str]]:
    """Return place, rule and message of each finding."""
    return [(each.where, each.word, each.message) for each in linted(texts).findings]


def rules(texts: Mapping[str, str] | str) -> list[str]:
    return [word for _, word, _ in found(texts)]


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param((), id="nobody automated it"),
        pytest.param(AUTOMATED, id="the default policy"),
        pytest.param((*AUTOMATED, "fluxcd.io/tag.c0: glob:v*"), id="a policy of Flux v1"),
        pytest.param((*AUTOMATED, "fluxcd.io/sync-checksum: abc"), id="a key that Flux v1 writes"),
        pytest.param((*AUTOMATED, 'fluxcd.io/locked: "false"'), id="not locked"),
    ],
)
def test_what_is_right_is_not_found_fault_with(annotations: tuple[str, ...]) -> None:
    assert found(deployment("nginx:v3", annotations=annotations)) == []


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        pytest.param(
            "reconcile/polcy: newest",
            ("7:5", "invalid", "unknown annotation 'reconcile/polcy'; did you mean 'policy'?"),
            id="an unknown key of ours",
        ),
        pytest.param(
            "reconcile/policy: semver:^x.y",
            ("7:23", "invalid", "invalid policy 'semver:^x.y'"),
            id="a bad policy",
        ),
        pytest.param(
            "fluxcd.io/tag.c9: glob:v*",
            ("7:23", "invalid", "default:deployment/web has no container 'c9'"),
            id="an unknown container",
        ),
        pytest.param(
            "fluxcd.io/ignor: sync_only",
            ("7:5", "unknown-key", "unknown annotation 'fluxcd.io/ignor'; did you mean 'ignore'?"),
            id="an unknown key of Flux",
        ),
        pytest.param(
            'flux.weave.works/locked: "True"',
            ("7:30", "no-switch", "'flux.weave.works/locked' is 'True'"),
            id="a value that switches nothing on",
        ),
    ],
)
@pytest.mark.parametrize("switch", ['"true"', '"false"'])
def test_a_slip_in_an_annotation_is_found_at_its_place(
    line: str, finding: tuple[str, str, str], switch: str
) -> None:
    annotations = (f"fluxcd.io/automated: {switch}", line)

    ((where, rule, message),) = found(deployment("nginx:v3", annotations=annotations))

    assert (where, rule) == (f"web.yaml:{finding[0]}", finding[1])
    assert finding[2] in message


def test_a_key_that_a_stronger_one_hides_is_found() -> None:
    annotations = (*AUTOMATED, 'flux.weave.works/automated: "false"')

    ((where, rule, message),) = found(deployment("nginx:v3", annotations=annotations))

    assert (where, rule) == ("web.yaml:7:5", "shadowed")
    assert "does nothing beside 'fluxcd.io/automated'" in message


def test_the_same_value_under_two_prefixes_hides_nothing() -> None:
    annotations = (*AUTOMATED, 'flux.weave.works/automated: "true"')

    assert found(deployment("nginx:v3", annotations=annotations)) == []


def test_our_annotations_in_a_pod_template_are_misplaced() -> None:
    text = deployment("nginx:v3", pod=(*AUTOMATED, "prometheus.io/scrape: yes"))

    assert [(where, rule) for where, rule, _ in found(text)] == [("web.yaml:9:9", "misplaced")]


def test_those_of_a_cron_job_are_found_too() -> None:
    text = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: night}
spec:
  jobTemplate:
    spec:
      template:
        metadata: {annotations: {fluxcd.io/automated: "true"}}
        spec: {containers: [{name: c, image: "job:1"}]}
"""

    assert [(where, rule) for where, rule, _ in found(text)] == [("web.yaml:8:34", "misplaced")]


@pytest.mark.parametrize(
    ("image", "is_found"),
    [
        ("nginx", True),
        ("nginx:1", False),
        (f"nginx@sha256:{'0' * 64}", False),
        ("$IMAGE", False),
    ],
)
def test_an_image_without_a_tag_is_found(image: str, is_found: bool) -> None:
    assert rules(deployment(image)) == ["no-tag"] * is_found


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        pytest.param("web:main", "'main' is no version: give a policy", id="no version"),
        pytest.param("'web:${TAG}'", "is filled in by a template", id="a template"),
        pytest.param(f"web@sha256:{'0' * 64}", "has a digest and no tag", id="a digest alone"),
        pytest.param("web:a:b", "invalid image reference", id="no reference"),
        pytest.param("|-\n          web:v1", "is a block, multi-line", id="a block"),
    ],
)
def test_an_automated_image_that_nothing_can_update_is_found(image: str, reason: str) -> None:
    ((where, rule, message),) = found(deployment(image, annotations=AUTOMATED))

    assert (where, rule) == ("web.yaml:12:16", "not-updatable")
    assert reason in message


def test_a_policy_for_branches_makes_a_branch_updatable() -> None:
    annotations = (*AUTOMATED, "reconcile/policy: newest")

    assert found(deployment("web:main", annotations=annotations)) == []


def test_one_image_of_several_may_be_left_to_a_template() -> None:
    assert found(deployment("web:v1", "'side:${TAG}'", annotations=AUTOMATED)) == []


def test_a_locked_workload_is_not_found_fault_with() -> None:
    annotations = (*AUTOMATED, 'fluxcd.io/locked: "true"')

    assert found(deployment("web:main", annotations=annotations)) == []


def test_an_automated_object_without_images_is_found() -> None:
    text = """\
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
"""

    assert [(where, rule) for where, rule, _ in found(text)] == [("web.yaml:3:37", "no-image")]


def test_an_image_that_a_kustomization_sets_is_found_where_it_stands() -> None:
    kustomization = "resources: [web.yaml]\nimages:\n- {name: web, newTag: v2}\n"
    texts = {
        "kustomization.yaml": kustomization,
        "web.yaml": deployment("web:v1", annotations=AUTOMATED),
    }

    ((where, rule, message),) = found(texts)

    assert (where, rule) == ("web.yaml:12:16", "not-updatable")
    assert message.endswith("cannot be updated: is set in kustomization.yaml:3")


@pytest.mark.parametrize(
    ("image", "more", "is_found"),
    [
        pytest.param("web:1.25-alpine", (), True, id="a suffix"),
        pytest.param("web:1.25.1-7", (), True, id="a build number"),
        pytest.param("web:1.25.1-rc1", (), False, id="a pre-release"),
        pytest.param("web:1.25.1", (), False, id="a version"),
        pytest.param(
            "web:1.25-alpine",
            ("reconcile/filter: ^([0-9.]+)-alpine$", "reconcile/extract: $1"),
            False,
            id="a filter",
        ),
    ],
)
def test_semver_over_a_suffix_without_a_filter_is_found(
    image: str, more: tuple[str, ...], is_found: bool
) -> None:
    annotations = (*AUTOMATED, "reconcile/policy: semver:^1", *more)

    assert rules(deployment(image, annotations=annotations)) == ["suffix"] * is_found


def test_containers_that_share_an_image_and_not_a_policy_are_found() -> None:
    annotations = (*AUTOMATED, "fluxcd.io/tag.c0: semver:^1", "fluxcd.io/tag.c1: semver:^2")

    ((where, rule, message),) = found(deployment("&x web:1", "*x", annotations=annotations))

    assert (where, rule) == ("web.yaml:14:16", "conflict")
    assert "default:deployment/web c0 and default:deployment/web c1 share this image" in message


def test_an_annotation_and_a_marker_that_want_different_things_are_found() -> None:
    annotations = (*AUTOMATED, "reconcile/policy: semver:^2")
    marked = 'web:1.2.0 # {"$image": {"policy": "semver:^1"}}'

    ((where, rule, message),) = found(deployment(marked, annotations=annotations))

    assert (where, rule) == ("web.yaml:13:16", "conflict")
    assert "/spec/template/spec/containers/0/image share this image" in message


def test_a_marker_that_names_no_policy_is_found() -> None:
    text = 'tag: v1 # {"$imagepolicy": "flux-system:web:tag"}\n'

    ((where, rule, message),) = found(text)

    assert (where, rule) == ("web.yaml:1:1", "invalid")
    assert message == "there is no ImagePolicy flux-system:web in the repository"


def test_an_object_in_two_places_is_found_with_and_without_its_namespace() -> None:
    one = deployment("web:v1")
    other = one.replace("  name: web", "  name: web\n  namespace: default")

    ((where, rule, message),) = found({"a.yaml": one, "b.yaml": other})

    assert (where, rule) == ("a.yaml:1:1", "duplicate")
    assert "stands in b.yaml:1 too" in message


def test_a_patch_in_a_folder_of_a_kustomization_is_no_duplicate() -> None:
    texts = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": deployment("web:v1"),
        "over/kustomization.yaml": "resources: [../base]\npatches: [{path: web.yaml}]\n",
        "over/web.yaml": deployment("web:v1"),
    }

    assert found(texts) == []


def test_a_key_that_stands_twice_is_found_also_beside_a_kustomization() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  b: c\n  b: d\n"

    for texts in ({"a.yaml": text}, {"a.yaml": text, "kustomization.yaml": "resources: [a.yaml]"}):
        ((where, rule, message),) = found(texts)

        assert (where, rule) == ("a.yaml:6:3", "invalid")
        assert "'b'" in message


def test_an_encrypted_object_has_a_rule_of_its_own() -> None:
    plain = deployment("web:v1")
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops: {version: '3'}\n"
    bad = "apiVersion: v1\nkind: Secret\nmetadata: {}\n"

    done = found({"a.yaml": f"{plain}---\n{secret}---\n{bad}"})

    assert [(where, rule) for where, rule, _ in done] == [
        ("a.yaml:12:1", "encrypted"),
        ("a.yaml:17:1", "invalid"),
    ]


def test_the_filter_of_an_image_policy_is_named_to_who_has_one() -> None:
    text = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: ^1}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: nginx}
---
image: nginx:1.25-alpine # {"$imagepolicy": "flux-system:web"}
"""

    ((where, rule, message),) = found(text)

    assert (where, rule) == ("web.yaml:11:8", "suffix")
    assert "by filterTags of an ImagePolicy" in message


def test_a_manifest_that_is_no_yaml_is_one_finding() -> None:
    assert rules('apiVersion: v1\nkind: "ConfigMap\n') == ["invalid"]


def test_documents_that_are_no_objects_are_counted() -> None:
    done = linted("a: b\n---\n- c\n---\n" + deployment("web:v1"))

    assert (done.findings, done.files, done.other_documents) == ((), 1, 2)


def test_columns_are_characters_and_a_byte_order_mark_is_none() -> None:
    text = '\ufeff{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "😀"}, '
    text += '"spec": {"containers": [{"name": "a", "image": "web"}]}}'

    ((where, rule, _),) = found(text)

    place = text.index('"web"')  # from 0, and after the mark: as much as from 1 without it
    assert rule == "no-tag"
    assert where == f"web.yaml:1:{place}"


def test_what_could_not_be_read_is_a_finding_about_its_file() -> None:
    problems = [ManifestError("has too many bytes", where="big.yaml")]

    (each,) = lint((), {}, problems, default_namespace="default").findings

    assert (each.where, each.level, each.word) == ("big.yaml", Level.ERROR, Rule.INVALID.word)

"""Marked values become images, with the policies of Flux v2 that stand in other manifests."""

import pytest

from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.selection import select
from reconciler.core.images.verdict import verdicts
from reconciler.core.manifests.images import FileReport, ImageField, SkipReason, inspect
from reconciler.core.manifests.linking import link

REPOSITORY = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux}
spec: {image: r.example/web}
"""
POLICY = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: ^1.2}}}
"""
MARK = '{"$imagepolicy": "flux:web"}'
TAG = '{"$imagepolicy": "flux:web:tag"}'
OWN = '{"$image": {"name": "r.example/web", "part": "tag"}}'
DIGEST = f"sha256:{'a' * 64}"


def linked(text: str, *policies: str, is_survey: bool = False) -> FileReport:
    files = {"a.yaml": text, **{f"{n}.yaml": each for n, each in enumerate(policies)}}
    reports = [
        inspect(path, content, default_namespace="base", is_survey=is_survey)
        for path, content in files.items()
    ]
    return link(reports)[0]


def field(text: str, *policies: str) -> ImageField:
    (found,) = linked(text, *(policies or (REPOSITORY, POLICY))).fields
    return found


def problems(text: str, *policies: str) -> list[str]:
    return [str(each) for each in linked(text, *policies).problems]


def test_a_whole_reference_follows_the_policy_that_its_marker_names() -> None:
    found = field(f"image: r.example/web:1.2.3 # {MARK}\n")

    assert (found.where, found.place) == ("a.yaml:1", "a.yaml#/image")
    assert (found.workload.workload, found.container) == ("file/a.yaml", "/image")
    assert (found.text, str(found.rules.policy)) == ("r.example/web:1.2.3", "semver:^1.2")
    assert found.puller == Puller("flux")
    assert found.obstacle is None


def test_a_marked_value_of_an_object_is_its_own() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: A, metadata: {name: a, namespace: s}}\n"
        "- apiVersion: v1\n  kind: B\n  metadata: {name: b}\n"
        f'  spec:\n    "x/y~z": v1 # {OWN}\n'
    )

    found = field(text)

    assert (found.workload.workload, found.pointer) == ("base:b/b", "/items/1/spec/x~1y~0z")
    assert found.puller == Puller("base")


def test_parts_that_stand_side_by_side_are_one_image() -> None:
    digest, name = TAG.replace("tag", "digest"), TAG.replace("tag", "name")
    text = f"a:\n  d: {DIGEST} # {digest}\n  n: web # {name}\n  t: '1.2' # {TAG}\n"
    repository = REPOSITORY.replace("r.example/web", "docker.io/library/web")

    found = field(text, repository, POLICY)

    assert (found.line, found.pointer, found.text) == (4, "/a/t", f"web:1.2@{DIGEST}")
    assert [each.value for each in found.written.scalars] == ["1.2", DIGEST]
    assert found.obstacle is None


def test_the_same_part_twice_is_two_images() -> None:
    found = linked(f"a: v1 # {OWN}\nb: v2 # {OWN}\n").fields

    assert [(each.pointer, each.text) for each in found] == [
        ("/a", "r.example/web:v1"),
        ("/b", "r.example/web:v2"),
    ]


def test_a_digest_needs_a_tag_beside_it() -> None:
    found = field(f"a: {DIGEST} # {OWN.replace('tag', 'digest')}\n")

    assert found.obstacle
    assert found.obstacle.reason is SkipReason.PINNED_BY_DIGEST


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"# {MARK}\n", id="own-line"),
        pytest.param(f"a: b\n#c: r.example/web:1 # {MARK}\n", id="commented-out"),
        pytest.param(f"a: b # note # {MARK}\n", id="in-a-comment"),
        pytest.param(f"a: |\n  c: d # {MARK}\n", id="in-a-block"),
        pytest.param(f"a: '# {MARK}'\n", id="in-quotes"),
        pytest.param(f"a: [\nb: c # {MARK}\n", id="no-yaml"),
    ],
)
def test_a_marker_that_is_none_is_left_alone(text: str) -> None:
    assert linked(text) == FileReport("a.yaml")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a: # {MARK}\n  b\n", id="behind-a-key"),
        pytest.param(f"a: &x b\nc: *x # {MARK}\n", id="behind-an-alias"),
        pytest.param(f"a: b\n--- # {MARK}\n", id="behind-a-document-mark"),
        pytest.param(f"a: >- # {MARK}\n  b\n", id="behind-the-head-of-a-block"),
    ],
)
def test_a_marker_behind_no_value_is_a_problem(text: str) -> None:
    line = text.partition(" # ")[0].count("\n") + 1

    assert problems(text) == [f"a.yaml:{line}: a marker stands behind no value"]


def test_values_in_a_flow_collection_are_marked_by_the_last() -> None:
    assert field(f"a: [{{b: x, c: '1.2'}}] # {TAG}\n").pointer == "/a/0/c"


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        pytest.param((REPOSITORY,), "there is no ImagePolicy flux:web in the repository",
                     id="no-policy"),
        pytest.param((POLICY.replace("name: web, n", "name: wep, n"), REPOSITORY),
                     "there is no ImagePolicy flux:web in the repository; did you mean 'flux:wep'?",
                     id="slip"),
        pytest.param((POLICY,), "there is no ImageRepository flux:web in the repository",
                     id="no-repository"),
        pytest.param((REPOSITORY, POLICY, POLICY.replace("^1.2", "^2")),
                     "the ImagePolicy flux:web stands in several places: 1.yaml:1 and 2.yaml:1",
                     id="twice"),
        pytest.param((REPOSITORY, POLICY.replace("^1.2", "^^1")),
                     "the ImagePolicy flux:web at 1.yaml:1 cannot be used: invalid 'semver:^^1': ",
                     id="bad-range"),
        pytest.param((REPOSITORY, POLICY.replace("semver: {range: ^1.2}", "")),
                     "cannot be used: policy must be one of semver, alphabetical, numerical",
                     id="no-choice"),
        pytest.param((REPOSITORY.replace("r.example/web", "r.example/web:1"), POLICY),
                     "cannot be used: image 'r.example/web:1' must have no tag and no digest",
                     id="tagged"),
        pytest.param((REPOSITORY.replace("r.example/web", "https://r.example"), POLICY),
                     "the ImageRepository flux:web at 0.yaml:1 cannot be used: invalid image",
                     id="no-image"),
        pytest.param((REPOSITORY.replace("web}\n", "web, exclusionList: ['[']}\n"), POLICY),
                     "cannot be used: invalid '['", id="no-expression"),
        pytest.param((REPOSITORY.replace("web}\n", "web, exclusionList: [{}]}\n"), POLICY),
                     "exclusionList must be a list of texts", id="no-text"),
        pytest.param((REPOSITORY.replace("r.example/web", "r.example/other"), POLICY),
                     "is r.example/web, but its policy is about r.example/other", id="another"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_followed_is_a_problem_where_it_is_meant(
    policies: tuple[str, ...], message: str
) -> None:
    text = f"\nimage: r.example/web:1.2 # {MARK}\n"

    (problem,) = problems(text, *policies)
    obstacle = field(text, *policies).obstacle

    assert problem.startswith("a.yaml:2: ")
    assert message in problem
    assert obstacle
    assert obstacle.reason is SkipReason.BAD_POLICY


def test_a_policy_that_nobody_means_is_none_of_our_business() -> None:
    assert problems("a: b\n", POLICY.replace("^1.2", "^^1")) == []


def test_the_same_policy_twice_is_one() -> None:
    assert field(f"a: r.example/web:1.2 # {MARK}\n", REPOSITORY, POLICY, POLICY).obstacle is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("policy: {semver: {range: '>=5.0'}}", "semver:>=5.0", id="semver"),
        pytest.param("policy: {numerical: {}}", "numeric:asc", id="numerical"),
        pytest.param("policy: {numerical: {order: desc}}", "numeric:desc", id="descending"),
        pytest.param("policy: {alphabetical: {order: asc}}", "alphabetical:asc", id="alphabetical"),
    ],
)
def test_the_policies_of_flux_are_ours(spec: str, expected: str) -> None:
    policy = POLICY.replace("policy: {semver: {range: ^1.2}}", spec)

    found = field(f"a: r.example/web:1.2 # {MARK}\n", REPOSITORY, policy)

    assert str(found.rules.policy) == expected


def test_filters_digests_and_secrets_of_flux_are_followed() -> None:
    more = "filterTags: {pattern: '^(?P<n>.*)$', extract: $n}, digestReflectionPolicy: Always"
    policy = POLICY.replace("^1.2}}}", f"^1.2}}}}, {more}}}")
    repository = REPOSITORY.replace("web}\n", "web, secretRef: {name: s}, serviceAccountName: a}\n")

    whole = field(f"a: r.example/web:1.2 # {MARK}\n", repository, policy)
    tag = field(f"a: v1.2 # {TAG}\n", repository, policy)

    assert str(whole.rules.tag_filter) == "^(?P<n>.*)$ -> $n"
    assert whole.puller == Puller("flux", ("s",), "a")
    assert (whole.rules.pins_digest, tag.rules.pins_digest) == (True, False)
    assert tag.obstacle is None


@pytest.mark.parametrize("kind", ["ImagePolicy", "ImageRepository"])
def test_what_somebody_suspended_is_left_alone(kind: str) -> None:
    files = [
        each.replace("spec: {", "spec: {suspend: true, ") if f"kind: {kind}" in each else each
        for each in (REPOSITORY, POLICY)
    ]

    obstacle = field(f"a: r.example/web:1.2 # {MARK}\n", *files).obstacle

    assert obstacle
    assert obstacle.reason is SkipReason.LOCKED
    assert obstacle.detail.startswith(f"the {kind} flux:web at ")


def test_what_keeps_a_container_keeps_a_marked_value_too() -> None:
    cases = {
        f"a: ${{x}} # {MARK}\n": SkipReason.TEMPLATED,
        f'a: "r.example\\x2fweb:1" # {MARK}\n': SkipReason.NOT_EDITABLE,
        f"sops: {{}}\na: r.example/web:1 # {MARK}\n": SkipReason.ENCRYPTED,
        f"a: 'no:thing:1' # {MARK}\n": SkipReason.INVALID,
    }

    for text, reason in cases.items():
        obstacle = field(text).obstacle
        assert obstacle
        assert obstacle.reason is reason


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: r.example/web:1.2 # MARK
""".replace("MARK", MARK)


def test_a_marked_container_is_shown_once() -> None:
    found = linked(POD, REPOSITORY, POLICY, is_survey=True).fields

    assert [each.container for each in found] == ["/spec/containers/0/image"]
    assert found[0].workload.workload == "base:pod/web"


def test_a_marked_container_that_an_annotation_automates_has_both_wishes() -> None:
    annotated = POD.replace(
        "{name: web}", '{name: web, annotations: {reconcile/automated: "true"}}'
    )

    found = linked(annotated, REPOSITORY, POLICY).fields

    assert [each.container for each in found] == ["web", "/spec/containers/0/image"]


def test_a_marked_image_that_a_kustomization_sets_is_overridden() -> None:
    overlay = inspect(
        "eu/kustomization.yaml",
        "resources: [../a.yaml]\nimages: [{name: r.example/web, newTag: v1}]\n",
        default_namespace="",
    )
    files = {"a.yaml": POD, "0.yaml": REPOSITORY, "1.yaml": POLICY}
    reports = [inspect(path, text, default_namespace="") for path, text in files.items()]

    (found,) = link([*reports, overlay])[0].fields

    assert found.obstacle
    assert found.obstacle.detail == "is set in eu/kustomization.yaml:2"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a: b # {MARK}\n---\n" * 3_000, id="documents"),
        pytest.param("---\n- &x b\n- *x " + f"# {MARK} " * 20_000, id="one-line"),
        pytest.param("a: *x" + " " * 1_000_000 + f"#{MARK}" * 20_000, id="blanks"),
        pytest.param("a: b" + " " * 1_000_000 + f"#{MARK}" * 20_000, id="far-behind"),
        pytest.param(" " * 1_000_000 + f"#{MARK}" * 20_000, id="before"),
        pytest.param(f"a: |\n  # {MARK}\n" + f"  x # {MARK}\n" * 20_000, id="in-a-block"),
    ],
)
@pytest.mark.timeout(60)
def test_many_markers_take_linear_time(text: str) -> None:
    report = linked(text, REPOSITORY, POLICY)

    assert len(report.problems) <= 3_000


def test_tags_that_a_repository_of_flux_excludes_are_never_chosen() -> None:
    given = "web, exclusionList: ['^.*\\.sig$', 'rc', '^1\\.3']}\n"
    repository = REPOSITORY.replace("web}\n", given)
    rules = field(f"\nimage: r.example/web:1.2.3 # {MARK}\n", repository, POLICY).rules
    tags = ["1.2.3", "1.2.5", "1.3.0", "1.4.0-rc1", "1.2.4"]

    made = select(tags, rules, current="1.2.3")
    said = {each.tag: each.reason for each in verdicts(tags, rules, current="1.2.3")}

    assert made.winner == "1.2.5"
    assert said["1.3.0"] == "is excluded by ^1\\.3"
    assert said["1.4.0-rc1"] == "is excluded by rc"

import pytest

from reconciler.core.decision import decide
from reconciler.core.images.knowledge import Knowledge
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport, SkipReason, inspect
from reconciler.core.plan import UpdatePlan, make_plan, pullers, repositories
from reconciler.errors import ReconcilerError, RegistryError

REPOSITORY = Repository("r.example", "acme/web")
HEAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {fluxcd.io/automated: "true"EXTRA}}
spec:
  template:
    spec:
      containers:
"""


def manifest(*images: str, extra: str = "") -> str:
    items = (f"      - {{name: c{n}, image: {image}}}\n" for n, image in enumerate(images))
    return HEAD.replace("EXTRA", extra) + "".join(items)


def plan(text: str, *listed: str, error: ReconcilerError | None = None) -> UpdatePlan:
    report: FileReport = inspect("a.yaml", text, default_namespace="default")
    tags = dict.fromkeys(repositories([report]), error or listed)
    return make_plan([report], {"a.yaml": text}, decide([report], tags))


@pytest.mark.parametrize(
    ("image", "listed", "reason"),
    [
        pytest.param("r.example/acme/web:v3", ["v3", "v1"], SkipReason.ALREADY_NEWEST, id="newest"),
        pytest.param("r.example/acme/web:v3", ["v1"], SkipReason.CURRENT_MISSING, id="missing"),
        pytest.param("r.example/acme/web:a1", ["v1"], SkipReason.NO_VERSION, id="no-version"),
        pytest.param("r.example/acme/web", ["v1"], SkipReason.NO_VERSION, id="latest"),
        pytest.param('"r.example/$X:v1"', [], SkipReason.TEMPLATED, id="template"),
        pytest.param("R.EXAMPLE/Web:v1", [], SkipReason.INVALID, id="invalid"),
        pytest.param(
            f"r.example/acme/web@sha256:{'0' * 64}", [], SkipReason.PINNED_BY_DIGEST, id="digest"
        ),
    ],
)
def test_doing_nothing_has_its_reason(image: str, listed: list[str], reason: SkipReason) -> None:
    (skip,) = plan(manifest(image), *listed).skips

    assert skip.reason is reason
    assert skip.detail


def test_a_digest_cannot_follow_a_tag_that_nobody_named() -> None:
    extra = ', reconcile/policy: "digest"'
    made = plan(manifest(f"r.example/acme/web@sha256:{'0' * 64}", extra=extra), "v1")

    assert [skip.reason for skip in made.skips] == [SkipReason.NO_TAG]
    (problem,) = made.problems
    assert str(problem) == "a.yaml:8: has a digest and no tag: name one to have it updated"


def test_a_policy_that_would_go_back_is_not_followed() -> None:
    extra = ', fluxcd.io/tag.c0: "semver:~1"'
    (skip,) = plan(manifest("r.example/acme/web:2.0.0", extra=extra), "1.9.0", "2.0.0").skips

    assert skip.reason is SkipReason.WOULD_DOWNGRADE


def test_a_registrys_failure_is_one_problem_however_many_images_it_holds_back() -> None:
    error = RegistryError("down", where="https://r.example")
    made = plan(manifest("r.example/acme/web:v1", "r.example/acme/web:v2"), error=error)

    assert [skip.reason for skip in made.skips] == [SkipReason.REGISTRY_FAILED] * 2
    assert made.problems == (error,)


def test_only_what_can_be_updated_is_asked_for() -> None:
    locked = inspect(
        "a.yaml",
        manifest("r.example/locked:v1", extra=', fluxcd.io/locked: "true"'),
        default_namespace="default",
    )
    free = inspect("b.yaml", manifest("r.example/acme/web:v1"), default_namespace="default")

    assert repositories([locked, free]) == {REPOSITORY}


def test_whoever_pulls_from_a_repository_is_named_once_in_the_order_of_the_manifests() -> None:
    reports = [
        inspect(path, manifest(*images), default_namespace=namespace)
        for path, namespace, images in (
            ("a.yaml", "shop", ["r.example/acme/web:v1", "r.example/acme/api:v1"]),
            ("b.yaml", "blog", ["r.example/acme/web:v1", "r.example/acme/web:v2"]),
            ("c.yaml", "shop", ["r.example/acme/web:v1", "r.example/acme/digest:$TAG"]),
        )
    ]

    assert pullers(reports) == {
        REPOSITORY: (Puller("shop"), Puller("blog")),
        Repository("r.example", "acme/api"): (Puller("shop"),),
    }
    assert pullers(reports).keys() == repositories(reports)


def test_containers_that_share_an_image_and_disagree_are_a_conflict() -> None:
    text = manifest("&i r.example/acme/web:1.0.0", "*i", extra=', fluxcd.io/tag.c1: "semver:~1"')
    made = plan(text, "1.0.0", "1.5.0", "2.0.0")

    assert made.changes == ()
    assert {skip.reason for skip in made.skips} == {SkipReason.CONFLICT}
    assert "want r.example/acme/web:1.5.0, r.example/acme/web:2.0.0" in str(made.problems[0])


def test_containers_that_share_an_image_and_agree_are_edited_once() -> None:
    made = plan(manifest("&i r.example/acme/web:v1", "*i"), "v1", "v2")

    assert len(made.changes) == 2
    assert made.contents["a.yaml"].count("web:v2") == 1


def test_a_scalar_that_a_locked_container_shares_is_not_changed_for_the_other() -> None:
    item = manifest("&i r.example/acme/web:v1").replace("\n", "\n    ")
    locked = manifest("*i", extra=', fluxcd.io/locked: "true"').replace("\n", "\n    ")
    made = plan(f"apiVersion: v1\nkind: List\nitems:\n  - {item}\n  - {locked}\n", "v1", "v2")

    assert made.contents == {}
    assert [skip.reason for skip in made.skips] == [SkipReason.CONFLICT, SkipReason.LOCKED]
    assert "share this image" in str(made.problems[0])


def test_nobody_disagrees_with_a_container_that_shares_the_image_and_is_still_held() -> None:
    extra = ', fluxcd.io/tag.c1: "semver:~1"'
    text = manifest(f"&i r.example/acme/web:1.0.0@sha256:{'0' * 64}", "*i", extra=extra)
    report = inspect("a.yaml", text, default_namespace="x")
    known = {REPOSITORY: Knowledge(digests={"1.5.0": f"sha256:{'1' * 64}"})}
    decided = decide([report], {REPOSITORY: ("1.0.0", "1.5.0", "2.0.0")}, known)
    made = make_plan([report], {"a.yaml": text}, decided)

    assert [skip.reason for skip in made.skips] == [SkipReason.UNKNOWN_IMAGES] * 2
    assert made.skips[1].detail == (
        "shares its image with c0: the digest of 2.0.0 is not known yet"
    )
    assert made.problems == ()


def test_every_change_of_a_file_is_in_its_new_text_and_other_files_have_none() -> None:
    two = manifest("r.example/acme/web:v1", "r.example/acme/log:v2")
    texts = {"a.yaml": two, "b.yaml": manifest("r.example/acme/web:v3")}
    reports = [inspect(path, text, default_namespace="x") for path, text in texts.items()]
    made = make_plan(
        reports, texts, decide(reports, dict.fromkeys(repositories(reports), ("v1", "v3")))
    )

    assert [(each.field.where, str(each.new)) for each in made.changes] == [
        ("a.yaml:8", "r.example/acme/web:v3"),
        ("a.yaml:9", "r.example/acme/log:v3"),
    ]
    assert made.contents == {"a.yaml": two.replace(":v1", ":v3").replace(":v2", ":v3")}


def test_an_edit_that_cannot_be_proved_leaves_the_file_alone_and_says_so() -> None:
    text = manifest("r.example/acme/web:v1", "r.example/acme/web:v2")
    report = inspect("a.yaml", text, default_namespace="x")
    other = text.replace("web:v1", "web: v")  # as if the file were another one than was inspected
    made = make_plan([report], {"a.yaml": other}, decide([report], {REPOSITORY: ("v1", "v2")}))

    assert made.contents == {}
    assert made.changes == ()
    assert [skip.reason for skip in made.skips] == [
        SkipReason.NOT_EDITABLE,
        SkipReason.ALREADY_NEWEST,
    ]
    assert "cannot be edited" in str(made.problems[0])


def test_the_plan_of_a_planned_tree_is_empty() -> None:
    made = plan(manifest("r.example/acme/web:v1", "r.example/acme/web:v2"), "v1", "v2")
    again = plan(made.contents["a.yaml"], "v1", "v2")

    assert (again.changes, again.contents, again.problems) == ((), {}, ())


def test_a_problem_is_told_for_each_image_that_needs_a_person_but_not_for_each_that_waits() -> None:
    made = plan(manifest("r.example/acme/web:a1", "R:1", "r.example/acme/web:v2"), "v1")

    assert [problem.where for problem in made.problems] == ["a.yaml:8", "a.yaml:9"]
    assert made.skips[2].reason is SkipReason.CURRENT_MISSING


def test_an_image_without_a_tag_gets_one_where_the_policy_says_which() -> None:
    made = plan(manifest("r.example/acme/web", extra=', fluxcd.io/tag_all: "semver:1"'), "1.0.0")

    assert "image: r.example/acme/web:1.0.0}" in made.contents["a.yaml"]

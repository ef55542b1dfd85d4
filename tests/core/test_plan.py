import pytest

from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport, SkipReason, inspect
from reconciler.core.plan import UpdatePlan, make_plan, repositories
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
    return make_plan([report], {"a.yaml": text}, tags)


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
            f"r.example/acme/web:v3@sha256:{'0' * 64}", [], SkipReason.PINNED_BY_DIGEST, id="digest"
        ),
    ],
)
def test_doing_nothing_has_its_reason(image: str, listed: list[str], reason: SkipReason) -> None:
    (skip,) = plan(manifest(image), *listed).skips

    assert skip.reason is reason
    assert skip.detail


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

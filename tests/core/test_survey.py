"""What would become of each image, seen for one workload as for all of them."""

from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import inspect
from reconciler.core.survey import Survey, only, survey

TAGS = {Repository("r.example", "web"): ("1.0", "1.1", "2.0")}
SHARED = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {fluxcd.io/automated: "true", reconcile/policy: "semver:^1"}}
  spec: {containers: [{name: web, image: &web "r.example/web:1.0"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: b, annotations: {fluxcd.io/automated: "true", reconcile/policy: "semver:*"}}
  spec: {containers: [{name: web, image: *web}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: c, annotations: {fluxcd.io/automated: "true"}}
  spec: {containers: [{name: web, image: "r.example/web:1.0"}]}
"""


def surveyed(*names: str) -> Survey:
    """Return the survey of these pods; of all where none is named."""
    report = inspect("a.yaml", SHARED, default_namespace="x", is_survey=True)
    keys = frozenset(each.workload for each in report.fields if each.workload.name in names)
    reports = only([report], keys) if names else [report]
    return survey(reports, {"a.yaml": SHARED}, TAGS, workloads=keys if names else None)


def test_one_workload_is_told_the_conflict_with_another_whose_image_it_shares() -> None:
    alone = surveyed("a")

    assert [(each.field.workload.name, each.word) for each in alone.images] == [("a", "CONFLICT")]
    assert alone.images[0].text == surveyed().images[0].text
    assert [str(each) for each in alone.problems] == [str(each) for each in surveyed().problems]


def test_one_workload_is_told_nothing_of_those_that_have_images_of_their_own() -> None:
    alone = surveyed("c")

    assert [(each.field.workload.name, each.word) for each in alone.images] == [("c", "UPDATE")]
    assert alone.problems == ()

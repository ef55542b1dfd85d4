"""One edit in a file of many documents takes time in proportion to the file."""

import time
from collections.abc import Callable

import pytest

from reconciler.core.decision import decide
from reconciler.core.manifests.finding import AnnotationEdit, edit_annotations
from reconciler.core.manifests.images import inspect
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.plan import make_plan, repositories

DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {note: "1"}}
spec: {template: {spec: {containers: [{name: web, image: "r.example/web:v3"}]}}}
"""
AUTOMATED = DEPLOYMENT.replace("{note:", '{fluxcd.io/automated: "true", note:')
STRANGER = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: fluxcd.io}\n"
SHORT, FACTOR = 250, 8
ALLOWED = 3 * FACTOR  # a square would take FACTOR * FACTOR times as long
KEY = ObjectKey("apps", "Deployment", "default", "web")


def updated(text: str) -> str:
    reports = [inspect("a.yaml", text, default_namespace="default")]
    tags = dict.fromkeys(repositories(reports), ("v3", "v4"))
    return make_plan(reports, {"a.yaml": text}, decide(reports, tags, {})).contents["a.yaml"]


def automated(text: str) -> str:
    edit = AnnotationEdit("fluxcd.io/automated", "true")
    return edit_annotations("a.yaml", text, KEY, [edit], default_namespace="default")


@pytest.mark.no_cover  # and would be measured with it
@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        pytest.param(updated, AUTOMATED, AUTOMATED.replace(":v3", ":v4"), id="image"),
        pytest.param(
            automated,
            DEPLOYMENT,
            DEPLOYMENT.replace('"1"}', '"1", fluxcd.io/automated: "true"}'),
            id="annotation",
        ),
    ],
)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_edit_takes_linear_time(
    edit: Callable[[str], str], before: str, after: str, place: float
) -> None:
    taken_s: list[float] = []
    for size in (SHORT, SHORT * FACTOR):
        head = STRANGER * int(size * place)
        tail = STRANGER * (size - int(size * place))
        runs = []
        for _ in range(3):
            start = time.process_time()
            result = edit(head + before + tail)
            runs.append(time.process_time() - start)
            assert result == head + after + tail
        taken_s.append(min(runs))

    assert taken_s[1] < ALLOWED * taken_s[0]

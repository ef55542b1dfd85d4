"""Every shape that is edited, written in any style: only the planned words differ, both ways."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml  # not the reader that is tested
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.decision import Change, Decisions, Skip, decide
from reconciler.core.images.knowledge import Knowledge
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import FileReport, SkipReason, inspect
from reconciler.core.manifests.linking import link
from reconciler.core.plan import UpdatePlan, make_plan, repositories
from tests.properties.writing import AFTER, BEFORE, IMAGE, Pen, Raw, Slot, Tree, Values, slots_of

WHOLE = IMAGE + ":{tag}"
PINNED = WHOLE + "@{digest}"
AUTOMATED: Tree = {"name": "web", "annotations": {"fluxcd.io/automated": "true", "note": "a: b"}}
POLICIES = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: "registry.example:5000/acme/web"}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec:
  imageRepositoryRef: {name: web}
  policy: {semver: {range: "*"}}
"""
STRANGERS: tuple[Tree, ...] = (
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"k": "v" * 10_000},
    },
    f"kind: Other\ntext: |\n  ---\n  image: {IMAGE}:v3\n\n  # no comment\nlast: >-\n  a\n  b",
    f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: b}}\nspec: {{image: '{IMAGE}:v3'}}",
    "null # nothing, and a comment",
)


def containers(pen: Pen) -> list[Tree]:
    made: list[Tree] = []
    for number in range(pen.pick((1, 2, 3))):
        form = pen.pick((WHOLE, WHOLE, PINNED))
        anchor = f"image{number}" if not pen.pick(range(4)) else ""
        slot = Slot(form, anchor=anchor, is_alone=not anchor)
        one: dict[str, Tree] = {"name": f"c{number}", "image": slot}
        made.append(one if pen.pick((0, 1)) else dict(reversed(one.items())))
        if anchor:
            made.append({"name": f"d{number}", "image": Raw(f"*{anchor}"), "args": ["-v", "x: y"]})
    return made


def workload(pen: Pen) -> tuple[str, Tree]:
    spec: dict[str, Tree] = {"containers": containers(pen)}
    if pen.pick((0, 1)):
        spec["initContainers"] = [{"name": "i", "image": Slot(WHOLE, is_alone=True)}]
    if pen.pick((0, 1)):
        volume: Tree = {"name": "v", "image": {"reference": Slot(PINNED, is_alone=True)}}
        spec["volumes"] = [{"name": "w", "emptyDir": Raw("{}")}, volume]
    pod: Mapping[str, Tree] = {"metadata": {"labels": Raw("{<<: *c, b: c}")}, "spec": spec}
    job: Mapping[str, Tree] = {"schedule": "@daily", "jobTemplate": {"spec": {"template": pod}}}
    deployment: Mapping[str, Tree] = {"replicas": Raw("2"), "template": pod}
    kind, body = pen.pick((("Deployment", deployment), ("CronJob", job), ("Pod", spec)))
    group = {"Deployment": "apps/v1", "CronJob": "batch/v1", "Pod": "v1"}[kind]
    common = Raw("&c {a: b}")
    return "app.yaml", {
        "apiVersion": group, "kind": kind, "x-common": common, "metadata": AUTOMATED, "spec": body,
    }  # fmt: skip


def helm_release(pen: Pen) -> tuple[str, Tree]:
    split: Tree = {
        "registry": "registry.example:5000",
        "repository": "acme/web",
        "tag": Slot("{tag}"),
        "digest": Slot("{digest}"),
    }
    named: Tree = {"image": {"repository": IMAGE, "tag": Slot("{tag}"), "pullPolicy": "Always"}}
    beside: Tree = {"tag": Slot("{tag}"), "image": IMAGE}
    joined: Tree = {"image": {"repository": IMAGE, "tag": Slot("{tag}@{digest}")}}
    values: dict[str, Tree] = {"image": pen.pick((Slot(WHOLE, is_alone=True), split))}
    for number in range(pen.pick((0, 1, 2, 3))):
        values[f"part{number}"] = pen.pick(({"image": split}, named, beside, joined))
    version = pen.pick(
        ("helm.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta1")
    )
    spec: Tree = {"chart": Raw("{a: b}"), "values": values}
    return "app.yaml", {
        "apiVersion": version, "kind": "HelmRelease", "metadata": AUTOMATED, "spec": spec,
    }  # fmt: skip


def kustomization(pen: Pen) -> tuple[str, Tree]:
    entries: list[Tree] = [
        {"name": "web", "newName": IMAGE, "newTag": Slot("{tag}")},
        {"newTag": Slot("{tag}"), "digest": Slot("{digest}"), "name": IMAGE},
        {"name": "b", "newName": IMAGE, "digest": Slot("{digest}"), "newTag": Slot("{tag}")},
    ]
    images = entries[: pen.pick((1, 2, 3))]
    return "kustomization.yaml", {
        "metadata": AUTOMATED, "resources": ["a.yaml", "b.yaml"], "images": images,
    }  # fmt: skip


def _marked(whole: str, name: str, tag: str, digest: str, pen: Pen) -> Tree:
    parts: list[Tree] = [
        {"image": Slot(WHOLE, marker=whole)},
        {"image": Slot(PINNED, marker=whole)},
        {"tag": Slot("{tag}", marker=tag)},
        {"tag": Slot("{tag}", marker=tag), "digest": Slot("{digest}", marker=digest)},
    ]
    if name:
        names: Tree = {"name": Slot(IMAGE, marker=name), "newTag": Slot("{tag}", marker=tag)}
        parts.append(names)
    chosen = [pen.pick(parts) for _ in range(pen.pick((1, 2, 3)))]
    return {"list": chosen, "deep": {"er": pen.pick(parts)}, "other": "word"}


def flux_markers(pen: Pen) -> tuple[str, Tree]:
    whole, name, tag, digest = (
        f'{{"$imagepolicy": "flux-system:web{part}"}}' for part in ("", ":name", ":tag", ":digest")
    )
    return "values.yaml", _marked(whole, name, tag, digest, pen)


def our_markers(pen: Pen) -> tuple[str, Tree]:
    tag, digest = (
        f'{{"$image": {{"name": "{IMAGE}", "policy": "semver:*", "part": "{part}"}}}}'
        for part in ("tag", "digest")
    )
    return "values.yaml", _marked('{"$image": {"policy": "semver:*"}}', "", tag, digest, pen)


SHAPES = (workload, helm_release, kustomization, flux_markers, our_markers)


def write(shape: int, draws: Sequence[int], values: Values) -> tuple[str, str, Pen]:
    """Return the path and the text of a file with a shape, among other documents or alone."""
    pen = Pen(draws, values)
    path, tree = SHAPES[shape](pen)
    before = [pen.pick(STRANGERS)] if path == "app.yaml" and not pen.pick(range(3)) else []
    behind = [pen.pick(STRANGERS)] if path == "app.yaml" and not pen.pick(range(3)) else []
    return path, pen.file([*before, tree, *behind]), pen


def inspected(texts: Mapping[str, str]) -> list[FileReport]:
    read = [inspect(path, text, default_namespace="default") for path, text in texts.items()]
    return list(link(read))


def planned(texts: Mapping[str, str]) -> UpdatePlan:
    """Return the plan for files when the registry has ``v11`` as the newest."""
    reports = inspected(texts)
    listed = ("v1", BEFORE.tag, AFTER.tag, "v2")
    tags = dict.fromkeys(repositories(reports), listed)
    known = dict.fromkeys(tags, Knowledge(dict.fromkeys(listed, AFTER.digest)))
    return make_plan(reports, texts, decide(reports, tags, known))


def reversed_plan(texts: Mapping[str, str], done: UpdatePlan) -> UpdatePlan:
    """Return the plan that takes back what another one did."""
    olds = {change.field.key: change.old for change in done.changes}
    reports = inspected(texts)

    def decided(report: FileReport) -> Iterator[Change | Skip]:
        for field in report.fields:
            old = olds.get(field.key)
            if isinstance(old, ImageReference) and field.reference:
                yield Change(field, field.reference, old)
            else:
                yield Skip(field, SkipReason.ALREADY_NEWEST, "")

    return make_plan(reports, texts, Decisions(tuple(tuple(decided(each)) for each in reports)))


def leaves(node: Any, place: str = "") -> Iterator[tuple[str, object]]:  # noqa: ANN401 - of YAML
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{place}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from leaves(value, f"{place}/{number}")
    else:
        yield place, node


def differences(before: str, after: str) -> set[tuple[object, object]]:
    """Return what differs between the values of two texts, as another reader of YAML sees them.

    It takes no tab behind a word, which YAML permits; libyaml does.
    """
    loader = yaml.CSafeLoader if "\t" in before else yaml.SafeLoader
    old, new = (dict(leaves(list(yaml.load_all(text, loader)))) for text in (before, after))
    assert old.keys() == new.keys()
    return {(value, new[place]) for place, value in old.items() if value != new[place]}


shapes = st.integers(0, len(SHAPES) - 1)
styles = st.lists(st.integers(0, 999), min_size=1, max_size=150)


@given(shapes, styles)
def test_only_the_planned_words_differ_in_any_shape_and_style(shape: int, draws: list[int]) -> None:
    path, before, pen = write(shape, draws, BEFORE)
    _, expected, _ = write(shape, draws, AFTER)
    texts = {path: before, "policies.yaml": POLICIES}

    plan = planned(texts)
    after = plan.contents.get(path, before)

    assert plan.problems == ()
    assert after == expected
    assert len([each for each in plan.skips if each.reason is SkipReason.NOT_EDITABLE]) == (
        pen.left_alone
    )
    words = {
        tuple(slot.form.format(tag=v.tag, digest=v.digest) for v in (BEFORE, AFTER))
        for slot in slots_of(SHAPES[shape](Pen(draws, BEFORE))[1])
    }
    assert differences(before, after) <= words
    assert planned({**texts, path: after}).changes == ()


@given(shapes, styles)
def test_an_edit_of_any_shape_can_be_taken_back_to_the_same_bytes(
    shape: int, draws: list[int]
) -> None:
    path, before, _ = write(shape, draws, BEFORE)
    texts = {path: before, "policies.yaml": POLICIES}
    plan = planned(texts)
    after = {**texts, **plan.contents}

    back = reversed_plan(after, plan)

    assert back.problems == ()
    assert {**after, **back.contents} == texts

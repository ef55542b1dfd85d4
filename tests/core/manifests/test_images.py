import pytest

from reconciler.core.manifests.images import FileReport, SkipReason, inspect

ANNOTATED = 'metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}\n'
CONTAINERS = "containers: [{name: a, image: w:1}]"


def report(text: str) -> FileReport:
    return inspect("a.yaml", text, default_namespace="base")


def manifest(kind: str, spec: str, *, metadata: str = ANNOTATED) -> str:
    return f"apiVersion: example.org/v1\nkind: {kind}\n{metadata}spec: {spec}\n"


def found(text: str) -> list[str]:
    return [
        f"{each.workload.workload} {each.container}={each.text}" for each in report(text).fields
    ]


POD = f"{{{CONTAINERS}}}"
TEMPLATE = f"{{template: {{spec: {POD}}}}}"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", POD),
        *(
            (kind, TEMPLATE)
            for kind in (
                "Deployment",
                "StatefulSet",
                "DaemonSet",
                "ReplicaSet",
                "ReplicationController",
                "Job",
                "Rollout",
                "Service",  # of Knative
            )
        ),
        ("CronJob", f"{{jobTemplate: {{spec: {TEMPLATE}}}}}"),
        ("ScaledJob", f"{{jobTemplate: {{spec: {TEMPLATE}}}}}"),
    ],
)
def test_every_kind_of_workload_is_looked_through(kind: str, spec: str) -> None:
    assert found(manifest(kind, spec)) == [f"base:{kind.lower()}/web a=w:1"]


@pytest.mark.parametrize("spec", ["x", "{}", "[]", "{template: x}", "{containers: [x]}", POD])
def test_what_has_no_pod_template_has_no_images(spec: str) -> None:
    assert found(manifest("Service", spec)) == []


def test_image_volumes_are_images_by_the_name_of_the_volume() -> None:
    volumes = "[{name: v, image: {reference: w:2}}, {name: e, emptyDir: {}}, {image: x}, x]"
    spec = f"{{{CONTAINERS}, volumes: {volumes}}}"

    assert found(manifest("Pod", spec)) == ["base:pod/web a=w:1", "base:pod/web v=w:2"]


def test_all_lists_of_containers_are_looked_through_in_the_order_they_run() -> None:
    spec = (
        "{ephemeralContainers: [{name: e, image: w:3}], containers: [{name: c, image: w:2}, {name:"
        " n}, {name: l, image: [x]}, x], initContainers: [{name: i, image: w:1}]}"
    )

    assert found(manifest("Pod", spec)) == [
        "base:pod/web i=w:1",
        "base:pod/web c=w:2",
        "base:pod/web e=w:3",
    ]


def test_a_namespace_is_the_documents_own_or_the_default() -> None:
    own = ANNOTATED.replace("name: web", "name: web, namespace: shop")

    assert found(manifest("Pod", POD, metadata=own)) == ["shop:pod/web a=w:1"]


def test_items_of_lists_are_objects_too_to_a_depth() -> None:
    item = f"{{apiVersion: v1, kind: Pod, {ANNOTATED.strip()}, spec: {POD}}}"
    lists = "{apiVersion: v1, kind: List, items: [%s]}"

    assert found(lists % f"{item}, {lists % item}, x") == ["base:pod/web a=w:1"] * 2
    deep = item
    for _ in range(6):
        deep = lists % deep
    assert found(deep) == []


def test_images_taken_over_by_a_merge_key_are_found_where_they_stand() -> None:
    spec = "{x: &base {name: a, image: w:1}, containers: [{<<: *base, name: b}]}"
    text = manifest("Pod", spec)
    (field,) = report(text).fields

    assert (field.container, field.text) == ("b", "w:1")
    (scalar,) = field.written.scalars
    assert text[scalar.start : scalar.end] == "w:1"
    assert field.where == "a.yaml:4"


@pytest.mark.parametrize("head", ["kind: Pod\n", "apiVersion: v1\n", ""])
def test_what_names_no_kind_or_version_is_no_object(head: str) -> None:
    assert found(f"{head}{ANNOTATED}spec: {POD}\n") == []
    assert found(f"- {head.strip() or 'x'} # fluxcd.io\n") == []


def test_a_text_without_our_keys_is_not_even_parsed() -> None:
    assert report("apiVersion: v1\nkind: [\n") == FileReport("a.yaml")


def test_a_document_without_our_keys_is_not_parsed_beside_one_that_has_them() -> None:
    made = report("apiVersion: v1\nkind: [\n---\n" + manifest("Pod", POD))

    assert made.problems == ()
    assert len(made.fields) == 1


@pytest.mark.parametrize(
    ("head", "count"),
    [
        pytest.param("apiVersion: v1\n", 1, id="manifest"),
        pytest.param("\ufeffapiVersion: v1\n", 1, id="byte-order-mark"),
        pytest.param('{\n  "apiVersion": "v1",\n', 1, id="json"),
        pytest.param("apiVersionX: v1\n", 0, id="another-key"),
        pytest.param("x: apiVersion: v1\n", 0, id="elsewhere"),
    ],
)
def test_what_cannot_be_read_is_ours_only_if_it_looks_like_a_manifest(
    head: str, count: int
) -> None:
    made = report(head + "# fluxcd.io/automated\nkind: [}\n")

    assert len(made.problems) == count
    assert made.fields == ()


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        pytest.param("'{{ .Values.image }}'", SkipReason.TEMPLATED, id="helm"),
        pytest.param("'w:${TAG}'", SkipReason.TEMPLATED, id="variable"),
        pytest.param("'w :1'", SkipReason.TEMPLATED, id="space"),
        pytest.param("W:1", SkipReason.INVALID, id="invalid"),
        pytest.param("''", SkipReason.INVALID, id="empty"),
        pytest.param(f"w@sha256:{'0' * 64}", SkipReason.PINNED_BY_DIGEST, id="digest"),
        pytest.param('"w\\x3a1"', SkipReason.NOT_EDITABLE, id="escaped"),
    ],
)
def test_what_cannot_be_updated_says_why(image: str, reason: SkipReason) -> None:
    (field,) = report(manifest("Pod", f"{{containers: [{{name: a, image: {image}}}]}}")).fields

    assert field.obstacle is not None
    assert field.obstacle.reason is reason
    assert field.obstacle.detail


@pytest.mark.parametrize(
    ("extra", "reason", "count"),
    [
        pytest.param("sops: {mac: x}\n", SkipReason.ENCRYPTED, 0, id="encrypted"),
        pytest.param("kind: Pod\n", SkipReason.BAD_MANIFEST, 1, id="key-twice"),
        pytest.param("x: .inf\n", SkipReason.BAD_MANIFEST, 1, id="no-json"),
    ],
)
def test_objects_that_must_not_be_touched_are_left_alone(
    extra: str, reason: SkipReason, count: int
) -> None:
    made = report(manifest("Pod", POD) + extra)

    assert [each.obstacle.reason for each in made.fields if each.obstacle] == [reason]
    assert len(made.problems) == count


@pytest.mark.parametrize(
    ("extra", "reason", "detail"),
    [
        ('fluxcd.io/locked: "true"', SkipReason.LOCKED, "locked"),
        (
            'fluxcd.io/locked: "true", fluxcd.io/locked_user: ann',
            SkipReason.LOCKED,
            "locked by ann",
        ),
        (
            "reconcile/x: z",
            SkipReason.BAD_ANNOTATION,
            "unknown annotation 'reconcile/x'",
        ),
    ],
)
def test_annotations_can_forbid_an_update(extra: str, reason: SkipReason, detail: str) -> None:
    metadata = ANNOTATED.replace('"true"}', f'"true", {extra}}}')
    (field,) = report(manifest("Pod", POD, metadata=metadata)).fields

    assert field.obstacle is not None
    assert (field.obstacle.reason, field.obstacle.detail) == (reason, detail)


def test_what_is_not_automated_has_no_fields_but_its_problems_are_told() -> None:
    metadata = "metadata: {name: web, annotations: {reconcile/x: z}}\n"
    made = report(manifest("Pod", POD, metadata=metadata))

    assert made.fields == ()
    assert [str(each) for each in made.problems] == ["a.yaml:3: unknown annotation 'reconcile/x'"]


def test_an_image_that_an_alias_shares_with_what_is_not_automated_is_left_alone() -> None:
    other = "{apiVersion: v1, kind: Pod, metadata: {name: o}, spec: {containers: [{image: *i}]}}"
    pod = POD.replace("w:1", "&i w:1")
    ours = f"{{apiVersion: v1, kind: Pod, {ANNOTATED.strip()}, spec: {pod}}}"

    read = report(f"apiVersion: v1\nkind: List\nitems:\n- {ours}\n- {other}\n")

    assert [field.obstacle and field.obstacle.reason for field in read.fields] == [
        SkipReason.CONFLICT
    ]
    assert list(map(str, read.problems)) == [
        "a.yaml:4: its image is by an alias that of base:pod/o too, which is not automated"
    ]


KUSTOMIZATION = """\
metadata: {annotations: {reconcile/automated: "true"}}
namespace: shop
images:
- {name: web, newName: r.example/web, newTag: v1}
- {name: r.example/api, digest: DIGEST}
- {name: r.example/db, newName: r.example/sql}
- {name: r.example/old}
- {newTag: v1}
- x
""".replace("DIGEST", f"sha256:{'a' * 64}")


def kustomization(text: str, path: str = "apps/prod/kustomization.yaml") -> FileReport:
    return inspect(path, text, default_namespace="base")


def test_a_kustomization_has_images_by_the_names_of_its_entries() -> None:
    found = kustomization(KUSTOMIZATION).fields

    assert {each.workload.workload for each in found} == {"shop:kustomization/apps/prod"}
    assert [(each.line, each.container, each.text.partition("@")[0]) for each in found] == [
        (4, "web", "r.example/web:v1"),
        (5, "r.example/api", "r.example/api"),
        (6, "r.example/db", "r.example/sql"),
        (7, "r.example/old", "r.example/old"),
        (8, "", ":v1"),
    ]


def test_what_a_kustomization_does_not_set_is_left_alone_with_the_reason() -> None:
    obstacles = [each.obstacle for each in kustomization(KUSTOMIZATION).fields]

    assert [each and each.reason for each in obstacles] == [
        None,
        SkipReason.PINNED_BY_DIGEST,
        SkipReason.NO_PLACE,
        SkipReason.NO_PLACE,
        SkipReason.INVALID,
    ]
    assert obstacles[2]
    assert obstacles[2].detail == "names no tag here: write one to have it updated"


@pytest.mark.parametrize("wish", ["digest: pin", "policy: digest"])
def test_a_digest_is_written_only_where_there_is_a_value_for_it(wish: str) -> None:
    text = KUSTOMIZATION.replace('"true"', f'"true", reconcile/{wish}')
    with_place = text.replace("newTag: v1}\n-", 'newTag: v1, digest: ""}\n-')

    without, *_ = kustomization(text).fields
    having, *_ = kustomization(with_place).fields

    assert without.obstacle
    assert without.obstacle.reason is SkipReason.NO_PLACE
    assert 'write digest: ""' in without.obstacle.detail
    assert having.obstacle is None


@pytest.mark.parametrize(
    ("path", "head", "name"),
    [
        pytest.param("kustomization.yml", "", "kustomization/.", id="root"),
        pytest.param("a/Kustomization", "metadata: {name: x}\n", "kustomization/x", id="named"),
        pytest.param("a/kustomization.yaml", "kind: Component\n", "kustomization/a", id="kind"),
    ],
)
def test_a_kustomization_is_called_by_its_name_or_its_folder(
    path: str, head: str, name: str
) -> None:
    text = f"# reconcile\n{head}images: [{{name: a, newTag: v1}}]\n"

    (field,) = inspect(path, text, default_namespace="", is_survey=True).fields

    assert field.workload.workload == name
    assert field.obstacle
    assert field.obstacle.reason is SkipReason.NOT_AUTOMATED


def test_a_kustomization_is_known_by_the_name_of_its_file_and_its_group() -> None:
    of_flux = f"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n{KUSTOMIZATION}"

    assert kustomization(KUSTOMIZATION, "apps/prod/images.yaml").fields == ()
    assert kustomization(of_flux).fields == ()
    assert kustomization(of_flux).overlay is None
    assert kustomization("[]").overlay is None
    assert kustomization("{").overlay is None


def test_a_fingerprint_is_kept_of_the_pieces_that_may_be_edited() -> None:
    ours, other = (
        manifest("Pod", POD),
        manifest("Pod", POD, metadata="metadata: {name: reconcile}\n"),
    )
    marked = 'apiVersion: v1\nkind: Values\ntag: v1 # {"$image": {"name": "w", "part": "tag"}}\n'

    assert [each.start for each in report(f"{other}---\n{ours}---\n{marked}").fingerprints] == [
        len(other),
        len(other) + len(f"---\n{ours}"),
    ]
    assert report(ours.replace('"true"', '"true", fluxcd.io/locked: "true"')).fingerprints == ()


def test_of_a_large_file_no_fingerprints_are_kept() -> None:
    ours = manifest("Pod", POD.replace("w:1", "'w:1'"))

    large = report("---\n".join([ours] * 1000))

    assert len(large.fields) == 1000
    assert large.fingerprints == ()

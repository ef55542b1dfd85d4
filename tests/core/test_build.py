import pytest

from reconciler.core.build import BuildResult, build, resolve
from reconciler.core.objects.desired import Origin
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.errors import ManifestError

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
  namespace: web
spec:
  replicas: 2
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: nginx\n"
BROKEN = "apiVersion: v1\nkind: [\n"


def keys(built: BuildResult) -> list[str]:
    return [str(each.key) for each in built.objects]


def problems(built: BuildResult) -> list[str]:
    return [str(each) for each in built.problems]


def test_a_document_becomes_an_object() -> None:
    (nginx,) = build({"workloads/nginx.yaml": DEPLOYMENT}).objects

    assert nginx.key == ObjectKey("apps", "Deployment", "web", "nginx")
    assert nginx.version == "v1"
    assert nginx.origin == Origin("workloads/nginx.yaml", 1)
    assert nginx.body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nginx", "namespace": "web"},
        "spec": {"replicas": 2},
    }


def test_objects_come_in_the_order_of_paths_and_lines_and_know_theirs() -> None:
    texts = {"b.yaml": f"# both\n---\n{DEPLOYMENT}---\n\n{SERVICE}", "a.yaml": f"---\n{SERVICE}"}

    built = build(texts)

    assert [str(each.origin) for each in built.objects] == ["a.yaml:2", "b.yaml:3", "b.yaml:12"]


def test_json_is_read() -> None:
    text = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nginx"}}'

    assert keys(build({"a.json": text})) == ["service/nginx"]


def test_what_is_no_object_is_counted_and_left_aside() -> None:
    texts = {
        "values.yaml": "image: nginx\n---\n# nothing\n---\n- a list\n---\nkind: Only\n",
        "chart.yaml": "{{ template }}: {\n",
    }

    assert build(texts) == BuildResult(skipped_documents=4)


@pytest.mark.parametrize("kind", ["List", "ServiceList"])
def test_the_items_of_a_list_are_objects_of_their_own(kind: str) -> None:
    text = (
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{}}\nitems:\n"
        "- {apiVersion: v1, kind: Service, metadata: {name: a}}\n"
        "- {apiVersion: v1, kind: Service, metadata: {}}\n"
        "- {metadata: {name: c}}\n"
        "- apiVersion: v1\n  kind: List\n"
        "  items: [{apiVersion: v1, kind: Pod, metadata: {name: d}}]\n"
    )

    built = build({"all.yaml": text})

    assert [(str(each.key), each.origin.line) for each in built.objects] == [
        ("service/a", 5),
        ("pod/d", 10),
    ]
    assert problems(built) == [
        "all.yaml:6: has no metadata.name",
        "all.yaml:7: is an item of a list without apiVersion or kind",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [1]\n", id="named"
        ),
        pytest.param("apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\n", id="no items"),
    ],
)
def test_an_object_whose_kind_ends_in_list_is_an_object(text: str) -> None:
    assert keys(build({"a.yaml": text})) == ["allowlist.x.io/a"]


def test_lists_of_lists_of_aliases_end() -> None:
    lines = [
        "apiVersion: v1",
        "kind: List",
        "items:",
        "- &a0 {apiVersion: v1, kind: List, items: []}",
    ]
    for level in range(1, 40):
        items = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"- &a{level} {{apiVersion: v1, kind: List, items: [{items}]}}")

    built = build({"a.yaml": "\n".join(lines)})

    assert problems(built) == ["a.yaml:4: is an item of a list twice"]


def test_a_list_without_items_is_a_problem() -> None:
    built = build({"a.yaml": "apiVersion: v1\nkind: List\n"})

    assert problems(built) == ["a.yaml:1: has no metadata.name"]


def test_an_empty_list_is_nothing() -> None:
    assert build({"a.yaml": "apiVersion: v1\nkind: List\nitems: []\n"}) == BuildResult()


def test_one_bad_document_holds_back_only_itself() -> None:
    built = build({"a.yaml": f"{SERVICE}---\n{BROKEN}---\n{DEPLOYMENT}", "b.yaml": BROKEN})

    assert keys(built) == ["service/nginx", "deployment.apps/nginx (namespace web)"]
    assert [each.where.partition(":")[0] for each in built.problems] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BROKEN, id="yaml"),
        pytest.param("# a comment\napiVersion: v1\nkind: ]\n", id="not in the first line"),
        pytest.param('{"apiVersion": "v1", "kind": ', id="json in one line"),
        pytest.param('{\n  "apiVersion": "v1",\n', id="json in many lines"),
        pytest.param(f"\ufeff{BROKEN}", id="byte order mark"),
        pytest.param("apiVersion : v1\nkind: [\n", id="blank before the colon"),
        pytest.param("'apiVersion': v1\nkind: [\n", id="single quotes"),
    ],
)
def test_an_unreadable_file_is_a_problem_if_it_looks_like_a_manifest(text: str) -> None:
    assert len(build({"a.yaml": text}).problems) == 1


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param("apiversion: v1\nkind: Pod\nmetadata: {name: a}\n", "apiVersion", id="slip"),
        pytest.param("apiVersion: v1\nmetadata: {name: a}\n", "kind", id="without kind"),
        pytest.param("kind: \napiVersion: v1\nmetadata: {name: a}\n", "kind", id="empty kind"),
    ],
)
def test_what_would_be_an_object_but_for_a_slip_is_a_problem(text: str, missing: str) -> None:
    built = build({"a.yaml": f"# first\n{text}"})

    assert list(map(str, built.problems)) == [f"a.yaml:2: has a metadata.name but no {missing}"]


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        pytest.param("{}", "has no metadata.name", id="no name"),
        pytest.param("", "has no metadata.name", id="no metadata"),
        pytest.param("{name: ''}", "has no metadata.name", id="empty name"),
        pytest.param(
            "{generateName: nginx-}",
            "has a generateName: every sync would create another object; give it a name",
            id="generated name",
        ),
        pytest.param(
            "{name: ..}", "metadata.name cannot be part of a path: '..'", id="name leads elsewhere"
        ),
        pytest.param(
            "{name: a/b}", "metadata.name cannot be part of a path: 'a/b'", id="name is a path"
        ),
        pytest.param(
            "{name: 5}", "metadata.name is not a text: 5; put it in quotes", id="name is a number"
        ),
        pytest.param(
            "{name: 0}", "metadata.name is not a text: 0; put it in quotes", id="name is zero"
        ),
        pytest.param(
            "{name: a, namespace: yes}",
            "metadata.namespace is not a text: True; put it in quotes",
            id="namespace is a truth value",
        ),
        pytest.param(
            "{name: a, namespace: ..}",
            "metadata.namespace cannot be part of a path: '..'",
            id="namespace leads elsewhere",
        ),
        pytest.param(
            "{name: a, namespace: a/b}",
            "metadata.namespace cannot be part of a path: 'a/b'",
            id="namespace is a path",
        ),
        pytest.param(
            "{name: a, uid: 1-2}",
            "was exported from a cluster: remove metadata.uid",
            id="uid",
        ),
        pytest.param(
            "{name: a, resourceVersion: '7'}",
            "was exported from a cluster: remove metadata.resourceVersion",
            id="resourceVersion",
        ),
        pytest.param(
            "{name: a, managedFields: [{manager: x}]}",
            "was exported from a cluster: remove metadata.managedFields",
            id="managedFields",
        ),
        pytest.param("{name: a, name: b}", "key 'name' stands twice", id="key twice"),
    ],
)
def test_an_object_that_cannot_be_applied_is_a_problem(metadata: str, problem: str) -> None:
    built = build({"a.yaml": f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n"})

    assert built.objects == ()
    assert [each.message for each in built.problems] == [problem]
    assert built.problems[0].where.startswith("a.yaml:")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param("stringData: {pin: 271828}", "stringData.pin of", id="number"),
        pytest.param("data: {pin: 271828}", "data.pin of", id="number-for-base64"),
        pytest.param("stringData: {pin: [271828]}", "stringData.pin of", id="list"),
        pytest.param("stringData: '271828'", "stringData of", id="text"),
        pytest.param("data: ['271828']", "data of", id="list-of-texts"),
    ],
)
def test_a_secret_that_cannot_be_applied_is_told_of_without_its_values(
    values: str, problem: str
) -> None:
    built = build({"a.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{values}\n"})

    assert built.objects == ()
    (found,) = map(str, built.problems)
    assert found.startswith(f"a.yaml:1: {problem} a Secret is no")
    assert "271828" not in found


def test_a_secret_may_have_values_that_are_null_and_others_kinds_values_are_not_judged() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\nstringData: {pin: }\n"
    other = "apiVersion: a.example/v1\nkind: Secret\nmetadata: {name: a}\ndata: 5\n"

    built = build({"a.yaml": secret, "b.yaml": other})

    assert built.problems == ()
    assert len(built.objects) == 2


def test_texts_of_a_secret_become_its_data_and_win_over_it() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
    values = "data: {a: YQ==, b: Yg==}\nstringData: {b: ü, c: }\n"

    (found,) = build({"a.yaml": secret + values}).objects

    assert found.body["data"] == {"a": "YQ==", "b": "w7w=", "c": ""}
    assert "stringData" not in found.body


def test_a_kind_that_is_no_text_is_a_problem() -> None:
    built = build({"a.yaml": "apiVersion: v1\nkind: 5\nmetadata: {name: a}\n"})

    assert problems(built) == ["a.yaml:1: kind is not a text: 5"]


def test_what_the_server_fills_in_anyway_is_dropped_and_status_is_sent() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: null, generation: 3, "
        "selfLink: /x, uid: '', managedFields: []}\nstatus: {phase: Running}\n"
    )

    (pod,) = build({"a.yaml": text}).objects

    assert pod.body["metadata"] == {"name": "a", "uid": "", "managedFields": []}
    assert pod.body["status"] == {"phase": "Running"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsops: {}\n", id="object"),
        pytest.param(
            "apiVersion: v1\nkind: List\nitems: [{kind: ENC}]\nsops: {mac: x}\n", id="list"
        ),
    ],
)
def test_encrypted_documents_are_never_applied(text: str) -> None:
    built = build({"a.yaml": text})

    assert built.objects == ()
    assert problems(built) == [
        "a.yaml:1: is encrypted (sops), and decryption is not set up (--sops-age-key-file)"
    ]


@pytest.mark.parametrize("prefix", ["fluxcd.io", "flux.weave.works", "reconcile"])
def test_ignored_objects_are_set_aside(prefix: str) -> None:
    text = f"{SERVICE}  annotations:\n    {prefix}/ignore: 'true'\n"

    built = build({"a.yaml": text, "b.yaml": DEPLOYMENT})

    assert keys(built) == ["deployment.apps/nginx (namespace web)"]
    assert [each.key.kind for each in built.ignored] == ["Service"]


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_folder_with_a_kustomization_is_a_problem_and_not_applied(name: str) -> None:
    built = build(
        {
            f"apps/{name}": "resources: [nginx.yaml]\n",
            "apps/nginx.yaml": DEPLOYMENT,
            "apps/below/broken.yaml": BROKEN,
            "apps/below/kustomization.yaml": "",
            "apps-too/service.yaml": SERVICE,
        }
    )

    assert keys(built) == ["service/nginx"]
    assert problems(built) == [
        f"apps/{name}: kustomizations are not built here: nothing in 'apps' is applied"
    ]


def test_a_kustomization_at_the_root_holds_back_everything() -> None:
    built = build({"kustomization.yaml": "", "a/kustomization.yaml": "", "a/b.yaml": SERVICE})

    assert built.objects == ()
    assert problems(built) == [
        "kustomization.yaml: kustomizations are not built here: nothing in '.' is applied"
    ]


def test_what_kustomize_gives_takes_the_place_of_its_folders() -> None:
    (given,) = build({"x.yaml": DEPLOYMENT}).objects
    broken = ManifestError("cannot be built", where="b")
    texts = {
        "a/kustomization.yaml": "resources: [nginx.yaml]\n",
        "a/nginx.yaml": SERVICE,
        "b/kustomization.yaml": "",
        "base/kustomization.yaml": "",  # loaded by others alone
        "base/nginx.yaml": SERVICE,
        "c.yaml": SERVICE,
    }

    built = build(texts, kustomized={"b": (broken,), "a": (given, None)})

    assert built.objects[0] is given
    assert keys(built) == ["deployment.apps/nginx (namespace web)", "service/nginx"]
    assert built.problems == (broken,)
    assert built.skipped_documents == 1


def resolved(*texts: str, **known: bool) -> BuildResult:
    """Resolve with a cluster that knows the given kinds."""

    def namespaced(group_kind: GroupKind) -> bool | None:
        return known.get(group_kind.kind)

    built = build({f"{number}.yaml": text for number, text in enumerate(texts)})
    return resolve(built, namespaced=namespaced, default_namespace="standard")


def test_objects_that_name_no_namespace_get_the_default() -> None:
    (service,) = resolved(SERVICE, Service=True).objects

    assert service.key.namespace == "standard"
    assert service.body["metadata"] == {"name": "nginx", "namespace": "standard"}


def test_objects_that_name_a_namespace_keep_it() -> None:
    assert keys(resolved(DEPLOYMENT, Deployment=True)) == ["deployment.apps/nginx (namespace web)"]


def test_objects_of_cluster_scoped_kinds_have_no_namespace() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, namespace: web}\n"

    (namespace,) = resolved(text, Namespace=False).objects

    assert str(namespace.key) == "namespace/web"
    assert namespace.body["metadata"] == {"name": "web"}


def test_objects_of_unknown_kinds_stay_as_they_are_written() -> None:
    built = resolved(SERVICE, DEPLOYMENT)

    assert keys(built) == ["service/nginx", "deployment.apps/nginx (namespace web)"]


def definition(scope: str) -> str:
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: widgets.x.io}\n"
        f"spec: {{group: x.io, scope: {scope}, names: {{kind: Widget}}}}\n"
    )


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param("Namespaced", "widget.x.io/a (namespace standard)", id="namespaced"),
        pytest.param("Cluster", "widget.x.io/a", id="cluster-scoped"),
    ],
)
def test_a_kind_that_the_build_itself_defines_has_the_scope_it_says(
    scope: str, expected: str
) -> None:
    widget = "apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: a}\n"

    built = resolved(widget, definition(scope), CustomResourceDefinition=False)

    assert keys(built)[0] == expected


def test_ignored_objects_get_their_namespace_too() -> None:
    text = f"{SERVICE}  annotations: {{fluxcd.io/ignore: 'true'}}\n"

    assert resolved(text, Service=True).ignored[0].key.namespace == "standard"


def test_aliases_nested_beyond_measure_hold_back_only_their_document() -> None:
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: a}", "k0: &a0 x"]
    for number in range(1, 31):
        nested = "[" * 80 + f"*a{number - 1}" + "]" * 80
        lines.append(f"k{number}: &a{number} {nested}")
    bomb = "\n".join(lines)

    built = build({"a.yaml": f"{SERVICE}---\n{bomb}\n"})

    assert keys(built) == ["service/nginx"]
    assert len(built.problems) == 1


def test_of_objects_that_are_the_same_none_is_applied() -> None:
    in_default = f"{SERVICE}  namespace: standard\n"

    built = resolved(SERVICE, DEPLOYMENT, in_default, SERVICE, Service=True, Deployment=True)

    assert keys(built) == ["deployment.apps/nginx (namespace web)"]
    (problem,) = built.problems
    assert problem.where == "0.yaml:1"
    assert problem.message == (
        "service/nginx (namespace standard) stands in 2.yaml:1, 3.yaml:1 too: "
        "none of them is applied"
    )


def test_the_same_object_in_two_versions_is_the_same() -> None:
    older = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n"
    newer = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\n"

    assert len(resolved(older, newer, CronJob=True).problems) == 1


def test_objects_of_other_namespaces_and_groups_are_others() -> None:
    other = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: nginx}\n"

    built = resolved(SERVICE, f"{SERVICE}  namespace: web\n", other, Service=True)

    assert len(built.objects) == 3


def test_what_the_build_found_wrong_stays_wrong() -> None:
    built = resolved(SERVICE, BROKEN, "values: 1\n", Service=True)

    assert len(built.problems) == 1
    assert built.skipped_documents == 1

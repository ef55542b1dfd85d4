"""Which kustomizations are built for themselves, from where, and where their objects stand."""

import pytest

from reconciler.core.kustomized import (
    Loading,
    Remote,
    Target,
    file_names,
    kustomization_folders,
    loading_of,
    read_built,
    targets_of,
    with_origins,
)
from reconciler.core.objects.desired import DesiredObject
from reconciler.errors import ManifestError

FILE = "apps/web/kustomization.yaml"
TARGET = Target("apps/web", FILE, frozenset({"apps/web"}))


def loading(text: str) -> Loading:
    return loading_of(FILE, text)


def tops(files: dict[str, str]) -> list[str]:
    own = kustomization_folders(files)
    loadings = {folder: loading_of(path, files[path]) for folder, path in own.items()}
    targets, problems = targets_of(own, loadings)
    assert not problems
    return [each.folder for each in targets]


def test_resources_bases_and_components_are_paths_of_the_repository() -> None:
    text = "resources: [deploy.yaml, ../base]\nbases: [../../shared/]\ncomponents: [./c]\n"

    assert loading(text).folders == ("apps/web/deploy.yaml", "apps/base", "shared", "apps/web/c")


def test_the_root_of_the_repository_may_be_a_base() -> None:
    assert loading_of("a/kustomization.yaml", "resources: [..]\n").folders == ("",)


@pytest.mark.parametrize(
    "text",
    [
        "resources: [https://example.com/x.yaml]",
        "resources:\n- git@github.com:acme/web.git",
        "resources: ['github.com/acme/web//deploy?ref=v1']",
        "bases: [github.com/acme/web]",
        "components: ['ssh://git@example.com/web']",
        "crds: [https://example.com/crd.yaml]",
        "transformers: ['https://example.com/t.yaml']",
        "patches: [{path: 'https://example.com/p.yaml'}]",
        "patchesStrategicMerge: ['http://example.com/p.yaml']",
        "replacements: [{path: 'https://example.com/r.yaml'}]",
        "configMapGenerator: [{name: a, files: ['k=https://example.com/f']}]",
        "secretGenerator: [{name: a, envs: ['https://example.com/f']}]",
        "openapi: {path: 'https://example.com/schema.json'}",
    ],
)
def test_what_lies_elsewhere_is_found_wherever_kustomize_would_fetch_it(text: str) -> None:
    (remote,) = loading(text + "\n").remotes

    assert remote.line == 1 + text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "resources: [x.yaml, ../v1.2, ./d.yaml]",
        "configMapGenerator: [{name: a, files: ['k=sub/f.txt'], literals: ['u=https://x']}]",
        "patches: [{patch: 'https://example.com', target: {kind: Deployment}}]",
        "images: [{name: example.com/acme/web, newTag: v2}]",
        "resources: 7",
        "patches: [x]",
        "- a list",
        "a: [\n",
        "",
        "a: 1\n---\nb: 2\n",
    ],
)
def test_nothing_else_lies_elsewhere(text: str) -> None:
    assert loading(text).remotes == ()


def test_what_is_loaded_by_another_is_not_built_for_itself() -> None:
    files = {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../part]\n",
        "part/kustomization.yml": "kind: Component\n",
        "loose/kustomization.yaml": "kind: Component\n",
        "test/Kustomization": "resources: [../base]\n",
        "test/below/kustomization.yaml": "",
        "plain/a.yaml": "",
    }

    assert tops(files) == ["prod", "test"]


def test_a_kustomization_at_the_root_has_everything_below_it() -> None:
    assert tops({"kustomization.yaml": "resources: [a]\n", "a/kustomization.yaml": ""}) == [""]


def test_kustomizations_that_load_each_other_are_built_so_that_kustomize_can_complain() -> None:
    files = {
        "a/kustomization.yaml": "resources: [../b]\n",
        "b/kustomization.yaml": "resources: [../a]\n",
    }

    assert tops(files) == ["a", "b"]


def test_a_target_knows_all_folders_that_it_loads_from() -> None:
    own = {"prod": "prod/kustomization.yaml"}
    loadings = {
        "prod": Loading(folders=("base", "prod/x.yaml")),
        "base": Loading(folders=("lib",)),
        "lib": Loading(),
    }

    ((target,), _) = targets_of(own, loadings)

    assert target.loaded == {"prod", "base", "lib"}


def test_a_folder_whose_name_looks_like_a_host_is_a_folder() -> None:
    own = {"prod": "prod/kustomization.yaml"}
    loadings = {"prod": loading_of(own["prod"], "resources: [v1.2/base]\n")}

    (targets, problems) = targets_of(own, loadings, exists="prod/v1.2/base".__eq__)

    assert targets
    assert not problems
    assert targets_of(own, loadings)[1].keys() == {"prod"}


def test_a_base_that_lies_elsewhere_holds_back_all_that_is_built_upon_it() -> None:
    own = {"prod": "prod/kustomization.yaml", "test": "test/kustomization.yaml"}
    remote = Loading(remotes=(Remote("github.com/acme/web", 4, "base/github.com/acme/web"),))
    loadings = {"prod": Loading(folders=("base",)), "base": remote, "test": Loading()}

    targets, problems = targets_of(own, loadings)

    assert [each.folder for each in targets] == ["test"]
    assert str(problems["prod"]) == (
        "base:4: 'github.com/acme/web' lies elsewhere, and nothing is fetched: copy it into the "
        "repository; nothing in 'prod' is applied"
    )


def test_the_names_of_kustomize_are_known() -> None:
    assert file_names("a") == ("a/Kustomization", "a/kustomization.yaml", "a/kustomization.yml")


@pytest.mark.parametrize(
    "text",
    [
        "resources: [a.yaml]",
        "resources:\n- a.yaml\n",
        "# nothing yet\nnamePrefix: x-\r\nresources: []\r\n",
        "---\nresources: [a.yaml]\n",
        "a: |\n  text\n  more",
    ],
)
def test_the_wish_for_origins_is_added_to_a_block(text: str) -> None:
    wished = with_origins(FILE, text)

    assert wished.startswith(text)
    assert wished.endswith("\nbuildMetadata: [originAnnotations]\n")


@pytest.mark.parametrize(
    "text",
    [
        "{resources: [a.yaml]}",
        '{"resources": ["a.yaml"]}\n',
        "buildMetadata: [managedByLabel]\nresources: []\n",
        "  resources: []\n",
        "resources: []\n...\n",
        "resources: []\n---\nresources: []\n",
        "resources: [\n",
        "",
        "# nothing\n",
    ],
)
def test_where_there_is_no_easy_place_a_file_stays_as_it_is(text: str) -> None:
    assert with_origins(FILE, text) == text


BUILT = """\
apiVersion: v1
kind: Service
metadata:
  annotations:
    config.kubernetes.io/origin: |
      path: ../base/service.yaml
    note: kept
  name: web
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    config.kubernetes.io/origin: |
      configuredIn: kustomization.yaml
      configuredBy:
        apiVersion: builtin
        kind: ConfigMapGenerator
  name: cfg
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: plain
"""


def test_objects_stand_where_they_came_from_and_the_note_of_it_is_gone() -> None:
    def line_of(path: str, found: DesiredObject) -> int:
        return 12 if (path, found.key.name) == ("apps/base/service.yaml", "web") else 99

    found = read_built(TARGET, BUILT, line_of=line_of)

    objects = [each for each in found if isinstance(each, DesiredObject)]
    assert [str(each.origin) for each in objects] == [
        "apps/base/service.yaml:12",
        f"{FILE}:1",
        f"{FILE}:1",
    ]
    assert objects[0].body["metadata"] == {"annotations": {"note": "kept"}, "name": "web"}
    assert objects[1].body["metadata"] == {"name": "cfg"}


def test_what_cannot_be_applied_of_a_build_is_the_kustomizations_problem() -> None:
    (problem,) = read_built(TARGET, "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n")

    assert isinstance(problem, ManifestError)
    assert str(problem) == f"{FILE}: in what it builds: has no metadata.name"


@pytest.mark.parametrize("origin", ["'['", "plain", "'{a: b}'", "''"])
def test_an_origin_that_is_none_is_the_kustomization(origin: str) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: a, annotations: {{config.kubernetes.io/origin: {origin}}}}}\n"
    )

    (found,) = read_built(TARGET, text)

    assert isinstance(found, DesiredObject)
    assert found.origin.path == FILE
    assert found.annotations == {}


@pytest.mark.parametrize("folder", ["../../..", "../../../x", "/etc", "../../../../proc/self/cwd"])
def test_a_folder_outside_of_the_repository_is_not_built_upon(folder: str) -> None:
    own = {"prod": "prod/kustomization.yaml", "apps/web": FILE, "test": "test/kustomization.yaml"}
    loadings = {
        "prod": loading_of(own["prod"], "resources: [../apps/web]\n"),
        "apps/web": loading(f"components:\n- {folder}\n"),
        "test": Loading(),
    }

    targets, problems = targets_of(own, loadings)

    assert [each.folder for each in targets] == ["test"]
    assert str(problems["prod"]) == (
        f"{FILE}:2: {folder!r} lies elsewhere, and nothing is fetched: copy it into the "
        "repository; nothing in 'prod' is applied"
    )


@pytest.mark.parametrize("key", ["resources", "generators", "transformers", "validators"])
def test_whatever_may_be_a_folder_lies_in_the_repository(key: str) -> None:
    (remote,) = loading(f"{key}: [../../../x, ../y, z]\n").remotes

    assert remote.text == "../../../x"


@pytest.mark.parametrize(
    "text",
    [
        "resources: [a.yaml]\nresource\u017f: [../../../x]\n",
        "resources: [../../../x]\n---\nresources: [a.yaml]\n",
        "resources: [../../../x]\n---\na: [\n",
        "resources: [!!binary Li4vLi4vLi4veA==]\n",
        "<<: {resources: [../../../x]}\n",
    ],
)
def test_no_way_of_writing_it_hides_a_folder_outside_of_the_repository(text: str) -> None:
    (remote,) = loading(text).remotes

    assert remote.line in (1, 2)


def test_one_that_we_cannot_read_is_not_built_by_guess() -> None:
    own = {"apps/web": FILE}

    targets, problems = targets_of(own, {"apps/web": loading("resources: [\n")})

    assert targets == ()
    assert str(problems["apps/web"]).startswith(f"{FILE}:")


def test_keys_are_read_in_any_case_as_kustomize_reads_them() -> None:
    text = "Resources: [../base, https://example.com/x]\nCONFIGMAPGENERATOR: [{Files: [https://x/y]}]\n"

    found = loading(f"{text}Kind: Component\n")

    assert "apps/base" in found.folders
    assert [each.text for each in found.remotes] == ["https://example.com/x", "https://x/y"]
    assert found.is_component
    assert with_origins(FILE, "BuildMetadata: []\n") == "BuildMetadata: []\n"

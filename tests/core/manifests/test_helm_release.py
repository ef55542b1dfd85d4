"""Images in the values of Helm releases, of Flux v1 and of Flux v2."""

import pytest

from reconciler.core.images.pull_secret import Puller
from reconciler.core.manifests.images import FileReport, inspect

V1 = "helm.fluxcd.io/v1"
V2 = "helm.toolkit.fluxcd.io/v2beta2"


def report(
    values: str, annotations: str = "", *, api_version: str = V2, spec: str = ""
) -> FileReport:
    text = (
        f"apiVersion: {api_version}\nkind: HelmRelease\n"
        f'metadata: {{name: web, annotations: {{reconcile/automated: "true"{annotations}}}}}\n'
        f"spec: {{{spec} values: {values}}}\n"
    )
    return inspect("a.yaml", text, default_namespace="base")


def found(values: str, annotations: str = "") -> list[str]:
    return [f"{each.container}={each.text}" for each in report(values, annotations).fields]


@pytest.mark.parametrize("api_version", [V1, "flux.weave.works/v1beta1", V2])
def test_both_generations_of_flux_are_known(api_version: str) -> None:
    (field,) = report("{image: w:1}", api_version=api_version).fields

    assert (field.workload.workload, field.container) == ("base:helmrelease/web", "chart-image")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param("{image: r.example/w:1}", ["chart-image=r.example/w:1"], id="text"),
        pytest.param("{image: w, tag: 1}", ["chart-image=w:1"], id="beside"),
        pytest.param("{image: 'w:2', tag: 1}", ["chart-image=w:2"], id="own-tag"),
        pytest.param("{image: 'r:5/w', tag: 1}", ["chart-image=r:5/w:1"], id="port"),
        pytest.param("{registry: r.example, image: w, tag: 1}", ["chart-image=r.example/w:1"],
                     id="registry-beside"),
        pytest.param("{image: {repository: w, tag: 1}}", ["chart-image=w:1"], id="split"),
        pytest.param("{image: {registry: '', repository: w, tag: 1}}", ["chart-image=w:1"],
                     id="empty-registry"),
        pytest.param("{x: {image: w:1}, y: {image: {repository: v, tag: 1}}}", ["x=w:1", "y=v:1"],
                     id="one-level-down"),
        pytest.param("{x: {y: {image: w:1}}}", [], id="two-levels-down"),
        pytest.param("{x: [{image: w:1}]}", [], id="in-a-list"),
        pytest.param("{image: {tag: 1}}", [], id="no-repository"),
        pytest.param("{image: {repository: '', tag: 1}}", [], id="empty-repository"),
        pytest.param("{image: A picture}", [], id="no-reference"),
        pytest.param("{image: '{{ x }}'}", ["chart-image={{ x }}"], id="templated"),
        pytest.param("{image: yes}", [], id="no-text"),
        pytest.param("[image]", [], id="no-values"),
        pytest.param("{<<: {x: {image: v:1}}, x: {image: w:1}}", ["x=w:1"], id="merged"),
    ],
)  # fmt: skip
def test_images_are_where_flux_1_looks_for_them(values: str, expected: list[str]) -> None:
    assert found(values) == expected


def test_a_mapped_image_overrules_one_that_was_found_and_others_stay() -> None:
    annotations = ", repository.fluxcd.io/x: deep.er, tag.fluxcd.io/x: deep.tag"

    values = "{x: {image: w:1}, y: {image: v:1}, deep: {er: u, tag: 7}}"

    assert found(values, annotations) == ["y=v:1", "x=u:7"]


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        pytest.param(
            ", repository.fluxcd.io/x: deep.no",
            "annotation 'repository.fluxcd.io/x': the values have no text at each place that is "
            "said of image 'x'",
            id="no-such-value",
        ),
        pytest.param(
            ", repository.fluxcd.io/x: deep",
            "annotation 'repository.fluxcd.io/x': the values have no text at each place that is "
            "said of image 'x'",
            id="no-text",
        ),
        pytest.param(
            ", tag.fluxcd.io/x: deep.tag",
            "annotation 'tag.fluxcd.io/x': 'repository.fluxcd.io/x' must say where the name of "
            "that image is",
            id="no-repository",
        ),
    ],
)
def test_a_mapping_that_leads_nowhere_is_a_problem(annotations: str, message: str) -> None:
    problems = report("{deep: {er: u, tag: 7}}", annotations).problems

    assert [str(each) for each in problems] == [f"a.yaml:3: {message}"]


def test_mappings_mean_nothing_to_other_kinds() -> None:
    found = report("{}", ", repository.fluxcd.io/x: y", api_version="example.org/v1")

    assert found == FileReport("a.yaml")


def test_a_release_pulls_in_the_namespace_that_it_is_installed_in() -> None:
    (field,) = report("{image: w:1}", spec="targetNamespace: shop,").fields

    assert field.puller == Puller("shop")

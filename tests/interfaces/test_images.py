"""``reconcile images`` and ``reconcile explain``, as a user meets them."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.ports import free_port
from lab.registry import Registry
from tests.interfaces.program import Done, program, undocumented

pytestmark = pytest.mark.registry

OFF = 'not automated: annotate it fluxcd.io/automated: "true"'
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
  namespace: web
  annotations: {{fluxcd.io/automated: "{automated}", fluxcd.io/tag.side: "semver:^1"}}
spec:
  template:
    spec:
      containers:
      - {{name: nginx, image: {host}/images/nginx:v3}}
      - {{name: side, image: {host}/images/side:1.0}}
"""


class Place:
    """A repository with two workloads, and the settings to look at it."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.host = registry.host
        self.remote = BareRemote.create(folder / "web.git")
        registry.push("images/nginx", "v3", "v4", "latest")
        registry.push("images/side", "1.0", "1.1", "2.0", "1.2-rc.1")
        manual = DEPLOYMENT.replace("name: nginx\n  ", "name: manual\n  ")
        self.put("nginx", DEPLOYMENT, automated="true")
        self.put("manual", manual, automated="false")

    def put(self, name: str, text: str, *, automated: str = "true") -> None:
        text = text.format(host=self.host, automated=automated)
        self.remote.put({f"{name}.yaml": text.encode()})

    def call(self, command: str, *arguments: str, columns: int = 200) -> Done:
        settings = ("--git-url", str(self.remote.path), "--data-dir", str(self.folder / "data"))
        env = {"COLUMNS": str(columns)}
        return program(*settings, command, *arguments, env=env)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, anonymous_registry: Registry) -> Place:
    return Place(tmp_path_factory.mktemp("images"), anonymous_registry)


def test_every_image_has_a_line_also_those_not_automated(place: Place) -> None:
    tip = place.remote.tip()

    done = place.call("images")

    assert (done.code, done.err) == (0, "")
    lines = [
        " ".join(line.split()).replace(f"{place.host}/images/", "")
        for line in done.out.splitlines()
    ]
    assert lines == [
        "WORKLOAD CONTAINER IMAGE NEWEST POLICY AT VERDICT",
        f"web:deployment/manual nginx nginx:v3 v4 same shape manual.yaml:11 {OFF}",
        f"web:deployment/manual side side:1.0 1.1 semver:^1 manual.yaml:12 {OFF}",
        "web:deployment/nginx nginx nginx:v3 v4 same shape nginx.yaml:11 update to v4",
        "web:deployment/nginx side side:1.0 1.1 semver:^1 nginx.yaml:12 update to 1.1",
    ]
    assert place.remote.tip() == tip


def test_the_document_holds_the_same(place: Place) -> None:
    done = place.call("images", "deployment/nginx", "-o", "json")

    (source,) = done.json["sources"]
    assert done.json["version"] == 1
    assert undocumented(done.json) == set()
    assert source["revision"] == f"main@sha1:{place.remote.tip()}"
    assert [image["verdict"] for image in source["images"]] == ["UPDATE", "UPDATE"]
    assert source["images"][0] == {
        "path": "nginx.yaml",
        "line": 11,
        "workload": "web:deployment/nginx",
        "container": "nginx",
        "image": f"{place.host}/images/nginx:v3",
        "current": "v3",
        "policy": "same shape",
        "filter": None,
        "extract": None,
        "platforms": [],
        "pinsDigest": False,
        "allowsDowngrade": False,
        "newest": "v4",
        "verdict": "UPDATE",
        "detail": "update to v4",
    }


def test_what_does_not_fit_eighty_columns_is_folded(place: Place) -> None:
    done = place.call("images", "web:deployment/nginx", columns=80)

    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.out.splitlines()[:7] == [
        "web:deployment/nginx",
        "  container  nginx",
        f"  image      {place.host}/images/nginx:v3",
        "  newest     v4",
        "  policy     same shape",
        "  at         nginx.yaml:11",
        "  verdict    update to v4",
    ]


RULES = """\
apiVersion: v1
kind: Pod
metadata:
  name: rules
  namespace: web
  annotations:
    fluxcd.io/automated: "true"
    reconcile/policy: newest
    reconcile/filter: ^(main|work)-
    reconcile/platforms: linux/amd64,linux/arm64
spec: {{containers: [{{name: app, image: "{host}/images/rules:main-1"}}]}}
"""
BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture
def ruled(place: Place, anonymous_registry: Registry) -> Iterator[Place]:
    """The same with a workload that goes by what its images are."""
    pushed = {
        "main-1": ("2026-01-01T00:00:00Z", BOTH),
        "work-2": ("2026-01-02T00:00:00Z", BOTH),
        "main-3": ("2026-01-03T00:00:00Z", ("linux/amd64",)),
        "test-4": ("2026-01-04T00:00:00Z", BOTH),
    }
    for tag, (created, platforms) in pushed.items():
        anonymous_registry.push("images/rules", tag, created=created, platforms=platforms)
    place.put("rules", RULES)
    yield place
    place.remote.put({"rules.yaml": None})


def test_what_is_asked_of_an_image_beside_its_policy_is_told(ruled: Place) -> None:
    done = ruled.call("explain", "pod/rules")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[3:] == [
        "  policy     newest",
        "  filter     ^(main|work)-",
        "  platforms  linux/amd64, linux/arm64",
        "  newest     work-2",
        "  verdict    update to work-2",
        "TAG     VERDICT",
        "main-3  has no linux/arm64",
        "work-2  chosen",
        "main-1  is older than work-2",
        "test-4  does not match the filter '^(main|work)-'",
    ]


def test_saved_tags_are_judged_offline_as_they_were(ruled: Place, tmp_path: Path) -> None:
    file = tmp_path / "saved tags"
    explained = ruled.call("explain", "pod/rules", "--save-tags", str(file), "-o", "json")

    _, command = file.read_text().splitlines()[:2]
    words = shlex.split(command.removeprefix("# "))
    (image,) = explained.json["images"]
    replayed = program(*words[1:], "-o", "json")
    assert words[0] == "reconcile"
    assert (replayed.code, replayed.json["selected"]) == (0, "work-2")
    assert replayed.json["verdicts"] == image["verdicts"]


def test_every_rule_is_in_the_command_that_goes_with_saved_tags(
    place: Place, tmp_path: Path
) -> None:
    rules = (
        'reconcile/policy: numeric:asc, reconcile/filter: "^v(?P<n>[0-9]+)$", '
        'reconcile/extract: $n, reconcile/allow-downgrade: "true"'
    )
    text = DEPLOYMENT.replace('fluxcd.io/tag.side: "semver:^1"', rules)
    place.put("nginx", text)
    file = tmp_path / "tags"

    done = place.call("explain", "deployment/nginx", "nginx", "--save-tags", str(file))

    assert done.code == 0
    assert file.read_text().splitlines() == [
        f"# web:deployment/nginx nginx: {place.host}/images/nginx:v3",
        (
            "# reconcile policy test numeric:asc '--filter=^v(?P<n>[0-9]+)$' '--extract=$n'"
            f" --allow-downgrade --current v3 --tags-file {file}"
        ),
        "latest",
        "v3",
        "v4",
    ]
    place.put("nginx", DEPLOYMENT)


def test_nothing_is_saved_where_the_tags_are_not_known(tmp_path: Path) -> None:
    text = DEPLOYMENT.format(automated="true", host=f"127.0.0.1:{free_port()}")
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"nginx.yaml": text.encode()})

    done = program(
        "explain", "deployment/nginx", "side", "--save-tags", str(tmp_path / "tags"),
        "--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"),
    )  # fmt: skip

    assert done.code == 1
    assert not (tmp_path / "tags").exists()


def test_tags_are_saved_of_one_image_that_is_named(place: Place, tmp_path: Path) -> None:
    several = place.call("explain", "deployment/nginx", "--save-tags", str(tmp_path / "tags"))
    nowhere = place.call(
        "explain", "deployment/nginx", "side", "--save-tags", str(tmp_path / "no" / "tags")
    )

    assert (several.code, nowhere.code) == (2, 2)
    assert "--save-tags keeps those of one image: name a container of nginx, side" in several.err
    assert "cannot write the tags: No such file or directory" in nowhere.err
    assert list(tmp_path.iterdir()) == []


def test_every_tag_of_a_container_is_explained(place: Place) -> None:
    done = place.call("explain", "web:deploy/nginx", "side")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "web:deployment/nginx  side",
        f"  image    {place.host}/images/side:1.0",
        "  at       nginx.yaml:12",
        "  policy   semver:^1",
        "  newest   1.1",
        "  verdict  update to 1.1",
        "TAG       VERDICT",
        "1.1       chosen",
        "1.0       is older than 1.1",
        "1.2-rc.1  is a pre-release, and the constraint names none",
        "2.0       is not ^1, which ends before 2.0.0",
    ]


def test_an_explanation_as_a_document_has_every_container(place: Place) -> None:
    done = place.call("explain", "deployment/manual", "-o", "json")

    assert done.code == 0
    assert undocumented(done.json) == set()
    assert [image["container"] for image in done.json["images"]] == ["nginx", "side"]
    first = done.json["images"][0]
    assert (first["source"], first["verdict"]) == ("default", "NOT_AUTOMATED")
    assert first["verdicts"] == [
        {"tag": "v4", "chosen": True, "reason": "chosen"},
        {"tag": "v3", "chosen": False, "reason": "is older than v4"},
        {"tag": "latest", "chosen": False, "reason": "is 'latest', which names no version"},
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["images", "nginx"], "did you mean 'web:deployment/nginx'?", id="name"),
        pytest.param(["explain", "web:deployment/x"], "there is no workload 'web:dep", id="none"),
        pytest.param(
            ["explain", "deploy/nginx", "sid"],
            "web:deployment/nginx has no container 'sid'; it has nginx, side",
            id="container",
        ),
        pytest.param(["explain"], "Missing argument 'WORKLOAD'", id="nothing"),
    ],
)
def test_a_name_that_is_not_there_is_told(place: Place, arguments: list[str], message: str) -> None:
    done = place.call(*arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_what_is_wrong_is_told_and_the_rest_is_listed(
    tmp_path: Path, anonymous_registry: Registry
) -> None:
    place = Place(tmp_path, anonymous_registry)
    place.put("bad", "apiVersion: v1\nkind: [\n")
    place.put("down", DEPLOYMENT.replace("{host}", f"127.0.0.1:{free_port()}"))
    place.put("policy", DEPLOYMENT.replace("semver:^1", "semver:^^").replace("web", "shop"))

    done = place.call("images", "-o", "json")

    (source,) = done.json["sources"]
    assert done.code == done.json["exitCode"] == 3
    assert len(source["images"]) == 8
    assert {image["verdict"] for image in source["images"]} == {
        "BAD_ANNOTATION",
        "NOT_AUTOMATED",
        "REGISTRY_FAILED",
        "UPDATE",
    }
    kinds = {problem["where"].split(":")[0]: problem["kind"] for problem in source["problems"]}
    assert (kinds["bad.yaml"], kinds["policy.yaml"]) == ("stalled", "stalled")
    assert "transient" in kinds.values()


def test_a_remote_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = ("--git-url", str(tmp_path / "none"), "--data-dir", str(tmp_path / "data"))

    done = program("images", *settings)
    named = program(*settings, "explain", "deployment/x")
    document = program(*settings, "explain", "deployment/x", "-o", "json")

    assert (done.code, done.out) == (3, "")
    assert str(tmp_path / "none") in done.err
    assert (named.code, named.err) == (3, done.err)  # not that there is no such workload
    assert f"error: {os.fspath(tmp_path / 'none')}" in named.err
    assert document.json["exitCode"] == document.code == 3
    assert document.json["images"] == []
    assert len(document.json["problems"]) == 1


def test_a_branch_without_a_workload_is_said_to_have_none(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"a.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})

    done = program("images", "--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"))

    assert (done.code, done.out) == (0, "")
    assert done.err == "reconcile: no manifest has a workload: check --git-path\n"

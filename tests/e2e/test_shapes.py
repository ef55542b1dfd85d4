"""Images in other shapes than a pod spec's: a real registry and a real branch."""

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.registry import Registry
from tests.interfaces.program import Done, program

pytestmark = pytest.mark.registry

_numbers = itertools.count(1)


class Branch:
    """A branch whose manifests use an image that nobody else uses; IMAGE stands for its name."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.repository = f"shapes{os.getpid()}/web{next(_numbers)}"
        self.image = f"{registry.host}/{self.repository}"
        self.host = registry.host
        self.remote = BareRemote.create(folder / "web.git")
        self.digests = registry.push(self.repository, "v3", "v4", "1.2", "1.3")
        registry.docker_config(folder)

    def filled(self, text: str) -> str:
        text = text.replace("IMAGE", self.image).replace("HOST", self.host)
        return text.replace("REPOSITORY", self.repository)

    def put(self, files: Mapping[str, str]) -> None:
        self.remote.put({path: self.filled(text).encode() for path, text in files.items()})

    def call(self, *arguments: str) -> Done:
        return program(
            *arguments,
            *("--git-url", str(self.remote.path)),
            *("--docker-config", str(self.folder / "config.json")),
            *("--data-dir", str(self.folder / "data")),
        )

    def settle(self) -> list[tuple[str, str]]:
        """Run a cycle that goes well, and one that finds nothing; return why images stay."""
        done = self.call("--once", "--no-sync", "-o", "json")
        assert (done.code, done.err) == (0, "")
        again = self.call("--once", "--no-sync", "-o", "json")
        assert (again.code, again.err) == (0, "")
        assert again.json["sources"][0]["changes"] == []
        (source,) = done.json["sources"]
        return [(skip["reason"], skip["detail"]) for skip in source["skips"]]

    def changed_lines(self) -> list[str]:
        """Return what the last commit removed and added, with the image's name taken out."""
        lines = self.remote.show().splitlines()
        changed = (line for line in lines if line.startswith(("-", "+")))
        return [
            line.replace(self.image, "IMAGE") for line in changed if line[:3] not in ("---", "+++")
        ]

    def message(self) -> str:
        """Return the last commit's message, with the image's name taken out."""
        text = "\n".join(self.remote.log(form="%B")[:12])
        return text.replace(self.image, "IMAGE")


@pytest.fixture
def branch(tmp_path: Path, registry: Registry) -> Branch:
    return Branch(tmp_path, registry)


APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {fluxcd.io/automated: "true"}
spec:
  template:
    spec:
      containers:
      - name: web
        image: IMAGE:v3
"""
OVERLAY = """\
# the image of production
metadata:
  annotations:
    fluxcd.io/automated: 'true'
    fluxcd.io/tag.IMAGE: 'semver:^1'
namespace: shop
resources: [../base]
images:
- newTag: v1.2 # moved by reconcile
  name: IMAGE
"""


def test_a_kustomization_sets_the_tag_and_what_it_overrides_is_left_alone(branch: Branch) -> None:
    branch.put({"base/app.yaml": APP, "prod/kustomization.yaml": OVERLAY})
    branch.put({"base/kustomization.yaml": "resources: [app.yaml]\n"})

    listed = branch.call("images")

    assert branch.settle() == [("OVERRIDDEN", "is set in prod/kustomization.yaml:9")]
    assert branch.changed_lines() == [
        "-- newTag: v1.2 # moved by reconcile",
        "+- newTag: '1.3' # moved by reconcile",
    ]
    assert (
        "Reconcile-Image: prod/kustomization.yaml shop:kustomization/prod IMAGE IMAGE:v1.2 "
        "IMAGE:1.3\n" in branch.message()
    )
    assert (listed.code, listed.err) == (0, "")
    assert "prod/kustomization.yaml:9" in listed.out
    assert "shop:kustomization/prod" in listed.out
    assert "is set in prod/kustomization.yaml:9" in listed.out


def test_explain_knows_a_kustomization_by_its_folder(branch: Branch) -> None:
    branch.put({"prod/kustomization.yaml": OVERLAY})

    done = branch.call("explain", "kustomization/prod")

    assert (done.code, done.err) == (0, "")
    assert f"{branch.image}:v1.2" in done.out
    assert "1.3" in done.out


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
  namespace: shop
  annotations:
    fluxcd.io/automated: "true"
    fluxcd.io/tag.worker: "semver:^1"
    repository.fluxcd.io/cron: jobs.cron.name
    tag.fluxcd.io/cron: jobs.cron.version
spec:
  values:
    image:
      registry: HOST
      repository: REPOSITORY
      tag: v3
      digest: DIGEST
    worker: {image: IMAGE, tag: v1.2}
    jobs:
      cron: {name: IMAGE, version: v3}
    init: {image: {repository: IMAGE, tag: ""}}
"""


def test_a_helm_release_keeps_its_images_in_its_values(branch: Branch) -> None:
    branch.put({"web.yaml": RELEASE.replace("DIGEST", branch.digests["v3"])})

    assert branch.settle() == [("NO_PLACE", "names no tag here: write one to have it updated")]
    assert branch.changed_lines() == [
        "-      tag: v3",
        f"-      digest: {branch.digests['v3']}",
        "-    worker: {image: IMAGE, tag: v1.2}",
        "+      tag: v4",
        f"+      digest: {branch.digests['v4']}",
        '+    worker: {image: IMAGE, tag: "1.3"}',
        "-      cron: {name: IMAGE, version: v3}",
        "+      cron: {name: IMAGE, version: v4}",
    ]
    assert (
        f"web.yaml shop:helmrelease/web chart-image IMAGE:v3@{branch.digests['v3']} "
        f"IMAGE:v4@{branch.digests['v4']}\n" in branch.message()
    )


def test_images_and_explain_show_what_a_helm_release_runs(branch: Branch) -> None:
    branch.put({"web.yaml": RELEASE.replace("DIGEST", branch.digests["v3"])})

    listed = branch.call("images", "helmrelease/web", "-o", "json")
    explained = branch.call("explain", "shop:helmrelease/web", "cron")

    assert (listed.code, explained.code) == (0, 0)
    (source,) = listed.json["sources"]
    images = source["images"]
    assert [(each["line"], each["container"], each["verdict"]) for each in images] == [
        (16, "chart-image", "UPDATE"),
        (18, "worker", "UPDATE"),
        (20, "cron", "UPDATE"),
        (21, "init", "NO_PLACE"),
    ]
    assert f"{branch.image}:v3" in explained.out


POLICIES = """\
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: flux-system}
spec: {image: IMAGE, interval: 5m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: flux-system}
spec:
  imageRepositoryRef: {name: web}
  filterTags: {pattern: '^v(?P<number>[0-9]+)$', extract: $number}
  policy: {numerical: {order: asc}}
"""
MARKED = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: IMAGE:v3@DIGEST # {"$imagepolicy": "flux-system:web"}
  - name: other
    image: IMAGE:v3
  - name: lost
    image: IMAGE:v3 # {"$imagepolicy": "flux-system:wep"}
"""
VALUES = """\
web:
  image:
    name: IMAGE
    tag: v1.2 # {"$image": {"name": "IMAGE", "policy": "semver:^1", "part": "tag"}}
"""


def test_markers_say_what_stands_before_them(branch: Branch) -> None:
    marked = MARKED.replace("DIGEST", branch.digests["v3"])
    branch.put({"policies.yaml": POLICIES, "charts/values.yaml": VALUES, "web.yaml": marked})

    done = branch.call("--once", "--no-sync")

    assert done.code == 3
    assert (
        "web.yaml:11: there is no ImagePolicy flux-system:wep in the repository; did you mean "
        "'flux-system:web'?" in done.err
    )
    assert branch.changed_lines() == [
        '-    tag: v1.2 # {"$image": {"name": "IMAGE", "policy": "semver:^1", "part": "tag"}}',
        '+    tag: "1.3" # {"$image": {"name": "IMAGE", "policy": "semver:^1", "part": "tag"}}',
        f'-    image: IMAGE:v3@{branch.digests["v3"]} # {{"$imagepolicy": "flux-system:web"}}',
        f'+    image: IMAGE:v4@{branch.digests["v4"]} # {{"$imagepolicy": "flux-system:web"}}',
    ]
    trailers = [line for line in branch.message().splitlines() if line.startswith("Reconcile-I")]
    assert trailers == [
        (
            "Reconcile-Image: charts/values.yaml#/web/image/tag file/charts/values.yaml "
            "/web/image/tag IMAGE:v1.2 IMAGE:1.3"
        ),
        (
            "Reconcile-Image: web.yaml#/spec/containers/0/image shop:pod/web "
            f"/spec/containers/0/image IMAGE:v3@{branch.digests['v3']} "
            f"IMAGE:v4@{branch.digests['v4']}"
        ),
    ]


def test_images_and_explain_show_marked_values(branch: Branch) -> None:
    branch.put({"policies.yaml": POLICIES, "charts/values.yaml": VALUES})

    listed = branch.call("images", "-o", "json")
    explained = branch.call("explain", "file/charts/values.yaml", "/web/image/tag")

    assert (listed.code, explained.code) == (0, 0)
    (source,) = listed.json["sources"]
    (image,) = source["images"]
    shown = ("charts/values.yaml", 4, "file/charts/values.yaml", "/web/image/tag", "UPDATE")
    assert (
        tuple(image[key] for key in ("path", "line", "workload", "container", "verdict")) == shown
    )
    assert image["newest"] == "1.3"
    assert "1.3" in explained.out

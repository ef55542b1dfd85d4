"""Releasing an image by hand: what a person chooses, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from reconciler.core.choice import Choice
from reconciler.core.decision import Change
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import (
    AccessDeniedError,
    ManifestError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    RegistryError,
    TransientError,
)
from reconciler.pipeline import cycle
from reconciler.pipeline.by_hand import Done, Order, look
from reconciler.pipeline.events import Event
from reconciler.pipeline.gather import ImageFacts
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.release import release
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeGit
from tests.fakes.images import FakeImage, FakeImages, digest_for
from tests.fakes.registry import FakeRegistries

NAME = "web:deployment/web"
HEAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: web
  annotations: {ANNOTATIONS}
spec:
  template:
    spec:
      containers:
"""
AUTOMATED = '{fluxcd.io/automated: "true"}'
LOCKED = '{fluxcd.io/automated: "true", fluxcd.io/locked: "true", fluxcd.io/locked_user: jane}'


def manifest(*containers: str, annotations: str = "{}") -> str:
    """Return a Deployment with containers, each written ``NAME IMAGE``."""
    lines = [
        f"      - name: {name}\n        image: {image}\n"
        for name, image in (each.split() for each in containers)
    ]
    return HEAD.replace("{ANNOTATIONS}", annotations) + "".join(lines)


WEB = manifest("web r.example/web:v3")


class Silence:
    """Hears nothing."""

    def tell(self, event: Event) -> None:
        """Take no note."""


@dataclass
class World:
    """A branch and a registry that has some tags of ``r.example/web``."""

    files: Mapping[str, str]
    tags: Sequence[str] = ("v2", "v3", "v4")
    broken: ReconcilerError | None = None
    git: FakeGit = field(default_factory=FakeGit)

    def __post_init__(self) -> None:
        self.git.put({path: text.encode() for path, text in self.files.items()})
        self.source = SourceSettings(
            name="default", git=GitSettings(self.git.url), sync=SyncSettings(), is_synced=False
        )

    def parts(self) -> Parts:
        images = {f"r.example/web:{each}": FakeImage(digest_for(each)) for each in self.tags}
        known: Mapping[str, FakeImage | ReconcilerError] = images
        if self.broken is not None:
            known = dict.fromkeys(images, self.broken)
        return Parts(
            repository=self.git,
            registries=FakeRegistries({"r.example/web": self.tags}),
            cluster=None,
            clock=FakeClock(),
            jitter=lambda: 0.5,
            progress=Silence(),
            image_facts=ImageFacts(FakeImages(known)),
        )

    def release(
        self,
        image: str,
        *containers: str,
        name: str = NAME,
        force: bool = False,
        message: str = "",
        is_dry_run: bool = False,
    ) -> Done[Change]:
        choice = Choice.parse(image, containers=containers, is_forced=force)
        order = Order(name, message=message, is_dry_run=is_dry_run, is_about_images=True)
        return release([look(self.source, self.parts(), order)], order, choice)

    def cycle(self) -> CycleOutcome:
        return cycle.run(self.source, self.parts())

    def text(self, path: str = "web.yaml") -> str:
        return self.git.files()[path].decode()


def test_one_commit_changes_the_image_alone_and_has_the_trailer_of_a_person() -> None:
    world = World({"web.yaml": WEB})

    done = world.release("r.example/web:v4")

    assert world.text() == WEB.replace("v3", "v4")
    assert done.pushed is not None
    assert world.git.pushes == [done.pushed.commit]
    assert world.git.log()[0] == (
        "Release web:v4 to web:deployment/web\n\n"
        "web:deployment/web web: r.example/web:v3 -> v4\n\n"
        "Reconcile-Image: web.yaml web:deployment/web web r.example/web:v3 r.example/web:v4\n"
        "Reconcile-By: person\n"
    )
    assert done.notes == ()


def test_a_message_takes_the_first_line_s_place_and_the_trailers_stay() -> None:
    world = World({"web.yaml": WEB})

    world.release(":v2", message="Back to v2\n\nIt was slow.")

    first, _, rest = world.git.log()[0].partition("\n\nIt was slow.\n\n")
    assert first == "Back to v2"
    assert "Reconcile-Image: web.yaml" in rest


def test_what_is_so_already_is_not_committed() -> None:
    world = World({"web.yaml": WEB})

    done = world.release(":v3")

    assert (done.changes, done.pushed, done.diff, world.git.pushes) == ((), None, "", [])


def test_a_dry_run_has_the_diff_and_pushes_nothing() -> None:
    world = World({"web.yaml": WEB})

    done = world.release(":v4", is_dry_run=True)

    assert "+        image: r.example/web:v4\n" in done.diff
    assert world.git.pushes == []


def test_somebody_else_s_push_is_kept_and_the_registry_asked_once() -> None:
    world = World({"web.yaml": WEB})
    longer = manifest("web r.example/web:v3", "more r.example/web:v2")
    world.git.others_push = [{"web.yaml": longer.encode()}, {"other.yaml": b"a: b\n"}]

    done = world.release(":v4")

    assert world.text() == longer.replace(":v3", ":v4").replace(":v2", ":v4")
    assert [change.field.container for change in done.changes] == ["web", "more"]
    assert len(world.git.pushes) == 1


def test_a_digest_moves_with_its_tag_and_a_given_one_is_written() -> None:
    old, new = digest_for("v3"), digest_for("v4")
    world = World({"web.yaml": manifest(f"web r.example/web:v3@{old}")})

    world.release(":v4")

    assert f"image: r.example/web:v4@{new}\n" in world.text()

    moved = world.release(f":v2@{old}")
    assert f"image: r.example/web:v2@{old}\n" in world.text()
    assert moved.notes == (f"the tag v2 names another digest now: {digest_for('v2')}",)

    with pytest.raises(NotFoundError, match="cannot be released") as caught:
        world.release(f":v2@{digest_for('gone')}")
    assert digest_for("v2") in str(caught.value)


def test_a_digest_without_a_tag_gets_one() -> None:
    world = World({"web.yaml": manifest(f"web r.example/web@{digest_for('v3')}")})

    world.release(":v4")

    assert f"image: r.example/web:v4@{digest_for('v4')}\n" in world.text()


def test_a_tag_that_was_taken_back_stays_after_it_was_released() -> None:
    automated = manifest("web r.example/web:v3", annotations=AUTOMATED)
    world = World({"web.yaml": automated})
    world.cycle()
    assert "web:v4" in world.text()
    world.git.put({"web.yaml": automated.encode()}, "no, back")
    assert not world.cycle().changes

    done = world.release(":v4")

    assert "web:v4" in world.text()
    assert not world.cycle().changes
    world.git.put({"web.yaml": automated.replace(":v3", ":v2").encode()}, "back once more")
    assert [str(change.new) for change in world.cycle().changes] == ["r.example/web:v3"]
    assert "a cycle may choose another tag" in done.notes[0]


def test_a_release_of_an_older_tag_takes_back_what_we_wrote() -> None:
    world = World({"web.yaml": manifest("web r.example/web:v3", annotations=AUTOMATED)})
    world.cycle()

    world.release(":v3")

    assert "web:v3" in world.text()
    assert not world.cycle().changes
    assert "web:v3" in world.text()


def test_a_lock_holds_unless_it_is_forced() -> None:
    world = World({"web.yaml": manifest("web r.example/web:v3", annotations=LOCKED)})

    with pytest.raises(RefusedError, match="locked by jane; --force releases it") as caught:
        world.release(":v4")
    assert caught.value.where == "web.yaml:1"

    world.release(":v4", force=True)
    assert "web:v4" in world.text()


def test_a_lock_holds_where_nothing_is_automated() -> None:
    world = World(
        {"web.yaml": manifest("web r.example/web:v3", annotations='{fluxcd.io/locked: "true"}')}
    )

    with pytest.raises(RefusedError, match="locked; --force"):
        world.release(":v4")


def test_a_policy_that_does_not_admit_the_tag_holds_unless_it_is_forced() -> None:
    rules = '{fluxcd.io/automated: "true", fluxcd.io/tag.web: "semver:>=v4"}'
    world = World({"web.yaml": manifest("web r.example/web:v3", annotations=rules)})

    with pytest.raises(RefusedError, match=r"semver:>=v4: v2 .*; set another, or --force"):
        world.release(":v2")
    world.release(":v2", force=True)

    assert "web:v2" in world.text()
    world.release(":v4")
    assert "web:v4" in world.text()


def test_a_tag_that_is_not_there_is_refused_also_by_force_and_the_nearest_is_named() -> None:
    world = World({"web.yaml": WEB}, tags=("v1.4.1", "v1.4.2"))

    for force in (False, True):
        with pytest.raises(NotFoundError, match=r"has no tag 'v1.42'; did you mean 'v1.4.2'\?"):
            world.release(":v1.42", force=force)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        pytest.param(RegistryError("did not answer", where="r.example"), TransientError, id="down"),
        pytest.param(AccessDeniedError("wants a login", where="r.example"), RefusedError, id="no"),
    ],
)
def test_a_registry_that_cannot_be_asked_is_told_and_force_releases_unseen(
    broken: ReconcilerError, kind: type[ReconcilerError]
) -> None:
    world = World({"web.yaml": WEB}, broken=broken)

    with pytest.raises(kind, match="--force releases the image unseen"):
        world.release(":v4")
    assert world.git.pushes == []

    done = world.release(":v4", force=True)
    assert "web:v4" in world.text()
    assert "not looked for" in done.notes[0]


def test_force_does_not_guess_a_digest() -> None:
    pinned = manifest(f"web r.example/web:v3@{digest_for('v3')}")
    world = World({"web.yaml": pinned}, broken=RegistryError("did not answer"))

    with pytest.raises(TransientError, match="write the digest behind the tag"):
        world.release(":v4", force=True)

    world.release(f":v4@{digest_for('v4')}", force=True)
    assert f"v4@{digest_for('v4')}" in world.text()


def test_which_image_is_meant_must_be_clear() -> None:
    two = manifest("web r.example/web:v3", "side r.example/side:1.0", "again r.example/web:v2")
    world = World({"web.yaml": two})

    with pytest.raises(NotFoundError, match=r"several images.* name one, or a --container"):
        world.release(":v4")
    with pytest.raises(NotFoundError, match=r"runs no image 'r.example/wep'; did you mean"):
        world.release("r.example/wep:v4")
    with pytest.raises(NotFoundError, match=r"runs no image 'docker.io/redis'; it runs r.example"):
        world.release("docker.io/redis:v4")
    with pytest.raises(NotFoundError, match="no container 'wep'; did you mean 'web'"):
        world.release(":v4", "wep")
    with pytest.raises(NotFoundError, match="there is no workload 'web:deployment/wep'"):
        world.release(":v4", name="web:deployment/wep")

    world.release(":v4", "web")
    assert world.text() == two.replace("web:v3", "web:v4")
    world.release("r.example/web:v2")
    assert world.text() == two.replace("web:v3", "web:v2")


def test_an_image_by_an_alias_is_not_changed_for_another_workload() -> None:
    both = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web, namespace: web}
  spec: {containers: [{name: web, image: &i "r.example/web:v3"}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: other, namespace: web}
  spec: {containers: [{name: web, image: *i}]}
"""
    world = World({"web.yaml": both})

    with pytest.raises(RefusedError, match="by an alias that of web:pod/other too"):
        world.release(":v4", name="web:pod/web")
    assert world.git.pushes == []


@pytest.mark.parametrize(
    ("image", "why"),
    [
        pytest.param("r.example/web:$TAG", "template", id="template"),
        pytest.param("|\n          r.example/web:v3", "block", id="block"),
        pytest.param("UPPER", "lower case", id="no-reference"),
    ],
)
def test_what_cannot_be_edited_is_refused(image: str, why: str) -> None:
    text = HEAD.replace("{ANNOTATIONS}", "{}") + f"      - name: web\n        image: {image}\n"
    world = World({"web.yaml": text})

    with pytest.raises((RefusedError, NotFoundError), match=f"{why}|runs none"):
        world.release(":v4")
    assert world.git.pushes == []


def test_what_is_encrypted_or_no_valid_object_is_refused() -> None:
    encrypted = World({"web.yaml": f"{WEB}sops: {{version: 3.9.0}}\n"})
    twice = World({"web.yaml": WEB.replace("  name: web\n", "  name: web\n  name: web\n", 1)})

    with pytest.raises(RefusedError, match="its file is encrypted"):
        encrypted.release(":v4")
    with pytest.raises((RefusedError, ManifestError), match="name"):
        twice.release(":v4")


KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
metadata: {name: shop}
resources: [web.yaml]
images:
- name: r.example/web
  newTag: v3
"""
HELM = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: web}
spec:
  values:
    image:
      repository: r.example/web
      tag: "v3" # the shop
"""
MARKED = """\
shop:
  tag: v3 # {"$image": {"name": "r.example/web", "policy": "semver:*", "part": "tag"}}
"""
VOLUME = """\
apiVersion: v1
kind: Pod
metadata: {name: shop, namespace: web}
spec:
  volumes:
  - name: data
    image: {reference: "r.example/web:v3"}
"""


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        pytest.param(KUSTOMIZATION, "kustomization.yaml", "kustomization/shop", id="kustomization"),
        pytest.param(HELM, "a.yaml", "web:helmrelease/shop", id="helm"),
        pytest.param(MARKED, "values.yaml", "file/values.yaml", id="marked"),
        pytest.param(VOLUME, "a.yaml", "web:pod/shop", id="volume"),
    ],
)
def test_every_shape_of_image_can_be_released(text: str, path: str, name: str) -> None:
    world = World({path: text})

    world.release(":v4", name=name)

    assert world.text(path) == text.replace("v3", "v4")


def test_an_image_that_a_kustomization_sets_is_not_released_where_nobody_runs_it() -> None:
    world = World({"kustomization.yaml": KUSTOMIZATION, "web.yaml": WEB})

    with pytest.raises(RefusedError, match=r"is set in kustomization.yaml:6"):
        world.release(":v4")


def test_a_workload_in_several_folders_is_refused_with_both() -> None:
    world = World({"a/web.yaml": WEB, "b/web.yaml": WEB})

    with pytest.raises(NotFoundError, match=r"a/web.yaml:1 and b/web.yaml:1; choose by --git-path"):
        world.release(":v4")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("nginx", id="no-tag"),
        pytest.param(f"nginx@{digest_for('x')}", id="digest-alone"),
        pytest.param(":", id="empty-tag"),
        pytest.param("", id="empty"),
        pytest.param(":v4@sha256:12", id="half-a-digest"),
        pytest.param("--force", id="an-option"),
    ],
)
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(ReconcilerError, match=f"invalid image reference '{text}'"):
        Choice.parse(text)

"""``reconcile release``, as a user meets it: against a real registry and a real Git remote."""

import re
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.image_content import Recipe
from lab.registry import Registry
from tests.interfaces.program import Done, program, undocumented

NAME = "web:deployment/web"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the shop
  namespace: web{annotations}
spec:
  template:
    spec:
      containers:
      - {{name: web, image: "{image}"}} # ours
"""
AUTOMATED = '\n  annotations: {fluxcd.io/automated: "true"}'

pytestmark = pytest.mark.registry


class Place:
    """A repository with a workload, and a registry with tags for it."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder = folder
        self.registry = registry
        self.path = f"{folder.name.replace('_', '-').lower()}/web"  # a test's own
        self.image = f"{registry.host}/{self.path}"
        registry.push(self.path, "v3", "v4")
        self.remote = BareRemote.create(folder / "web.git")
        self.put(f"{self.image}:v3")

    def put(self, image: str, annotations: str = "") -> None:
        text = MANIFEST.format(image=image, annotations=annotations)
        self.remote.put({"apps/web.yaml": text.encode()})

    def call(self, *arguments: str) -> Done:
        settings = ("--git-url", f"file://{self.remote.path}", "--data-dir", f"{self.folder}/data")
        return program(*settings, *arguments, env={"COLUMNS": "250"})

    def release(self, *arguments: str) -> Done:
        return self.call("release", NAME, "--update-image", *arguments)

    def text(self) -> str:
        return self.remote.content("main:apps/web.yaml").decode()

    def commit(self, what: str) -> str:
        return git(self.remote.path, "log", "-1", f"--format={what}", "main").strip()


@pytest.fixture
def place(tmp_path: Path, anonymous_registry: Registry) -> Place:
    return Place(tmp_path, anonymous_registry)


def test_a_release_prints_fluxctl_s_table_and_twice_is_once(place: Place) -> None:
    first = place.release(f"{place.image}:v4")

    tip = place.remote.tip()
    assert (first.code, first.err) == (0, "")
    assert [re.sub(" {2,}", "  ", line.rstrip()) for line in first.out.splitlines()] == [
        f"Commit pushed: {tip[:7]}".replace(": ", ":  "),
        "WORKLOAD  STATUS  UPDATES",
        f"{NAME}  success  web: {place.image}:v3 -> v4",
    ]
    assert place.text() == MANIFEST.format(image=f"{place.image}:v4", annotations="")
    assert place.commit("%s|%an") == "Release web:v4 to web:deployment/web|reconcile"

    again = place.release(":v4")
    assert (again.code, again.err) == (0, "")
    assert again.out.split()[3:] == [NAME, "skipped", "already", "so"]
    assert place.remote.tip() == tip


def test_what_was_taken_back_and_released_stays_and_history_names_the_person(
    place: Place,
) -> None:
    place.put(f"{place.image}:v3", AUTOMATED)
    manner = ("--git-sign-off", "--git-ci-skip")
    assert place.call("--once", "--no-sync", *manner).code == 0
    assert place.commit("%s") == "Update web to v4 [ci skip]"
    assert place.commit("%b").endswith("\nSigned-off-by: reconcile <reconcile@localhost>")
    place.put(f"{place.image}:v3", AUTOMATED)
    assert "taken back" in place.call("images").out

    done = place.release(":v4", "--user", "Jane <jane@example.org>", "-m", "It is mended")

    assert done.code == 0
    assert "reconcile lock web:deployment/web" in done.err
    tip = place.remote.tip()
    assert place.call("--once", "--no-sync").code == 0
    assert place.remote.tip() == tip
    newest = place.call("history").out.splitlines()[1].split()
    assert newest[2] == tip[:7]
    assert newest[-4:] == ["Jane", "(released)", "stands", "there"]
    (source,) = place.call("history", "-o", "json").json["sources"]
    assert source["writes"][0]["by"] == "person"


def test_a_pinned_image_gets_the_digest_that_the_registry_has(place: Place) -> None:
    old = f"sha256:{'0' * 64}"
    place.put(f"{place.image}:v3@{old}")

    done = place.release(":v4", "-o", "json")

    new = done.json["updates"][0]["to"].partition("@")[2]
    assert re.fullmatch("sha256:[0-9a-f]{64}", new)
    assert f'"{place.image}:v4@{new}"' in place.text()
    assert done.json["updates"] == [
        {"container": "web", "from": f"{place.image}:v3@{old}", "to": f"{place.image}:v4@{new}"}
    ]
    assert done.json["status"] == "success"
    assert undocumented(done.json) == set()


def test_a_release_is_by_its_user_and_signed_off_by_the_committer(place: Place) -> None:
    settings = ("--git-sign-off", "--git-ci-skip-message", "[skip ci]", "--git-user", "Robot")

    assert place.release(":v4", *settings, "--user", "Jane <jane@x.io>").code == 0

    assert place.commit("%an|%ae|%cn|%s") == (
        "Jane|jane@x.io|Robot|Release web:v4 to web:deployment/web [skip ci]"
    )
    trailers = place.commit("%(trailers:only,unfold)").splitlines()
    assert [each.partition(":")[0] for each in trailers] == [
        "Reconcile-Image",
        "Reconcile-By",
        "Signed-off-by",
    ]
    assert trailers[-1] == "Signed-off-by: Robot <reconcile@localhost>"


def test_a_dry_run_prints_the_diff_and_pushes_nothing(place: Place) -> None:
    tip = place.remote.tip()

    done = place.release(":v4", "--dry-run")

    assert (done.code, done.err) == (4, "")
    assert done.out.startswith("--- a/apps/web.yaml\n+++ b/apps/web.yaml\n")
    assert f'+      - {{name: web, image: "{place.image}:v4"}} # ours\n' in done.out
    assert place.remote.tip() == tip


def test_what_is_not_there_is_a_usage_error_that_names_the_nearest(place: Place) -> None:
    tag = place.release(":v44")
    name = place.call("release", "web:deployment/wep", "--update-image", ":v4")
    image = place.release("nginx")
    container = place.release(":v4", "--container", "wep")

    assert (tag.code, name.code, image.code, container.code) == (2, 2, 2, 2)
    assert "has no tag 'v44'; did you mean 'v4'?" in tag.err
    assert (
        "there is no workload 'web:deployment/wep'; did you mean 'web:deployment/web'" in name.err
    )
    assert "--update-image: invalid image reference 'nginx': names no tag" in image.err
    assert "has no container 'wep'; did you mean 'web'?; it has web" in container.err


def test_a_lock_is_told_with_who_and_why_and_force_goes_over_it(place: Place) -> None:
    assert place.call("lock", NAME, "--user", "jane", "-m", "waits").code == 0

    refused = place.release(":v4")
    forced = place.release(":v4", "--force")

    assert refused.code == 3
    assert "apps/web.yaml:1: web:deployment/web web locked by jane: waits; --force" in refused.err
    assert forced.code == 0
    assert f"{place.image}:v4" in place.text()


def test_nothing_is_pushed_where_nothing_may_be(place: Place) -> None:
    before = place.text()
    done = place.release(":v4", "--git-read-only")
    locked = place.call("lock", NAME, "--git-read-only")

    assert (done.code, locked.code) == (2, 2)
    assert done.err.endswith(": nothing can be pushed: --git-read-only is set\n")
    assert done.err == locked.err
    assert place.text() == before
    assert place.release(":v4", "--git-read-only", "--dry-run").code == 4


def test_a_registry_that_is_down_is_told(place: Place) -> None:
    place.put("127.0.0.1:1/acme/web:v3")

    done = place.release(":v4")
    forced = place.release(":v4", "--force")

    assert done.code == 1
    assert "127.0.0.1:1" in done.err
    assert "--force releases the image unseen" in done.err
    assert forced.code == 0
    assert "the image was not looked for" in forced.err


def test_links_are_made_of_what_the_images_say_of_their_source(place: Place) -> None:
    source = "https://github.com/acme/web"
    for tag, commit in (("v3", "3" * 40), ("v4", "4" * 40)):
        labels = {
            "org.opencontainers.image.source": source,
            "org.opencontainers.image.revision": commit,
        }
        place.registry.push_by(place.path, tag, Recipe(version=tag, labels=labels))
    place.put(f"{place.image}:v3", AUTOMATED)

    updated = place.call("--once", "--no-sync", "--git-commit-links")
    of_update = place.commit("%b")
    released = place.release(":v3", "--git-commit-links")
    of_release = place.commit("%b")

    assert (updated.code, released.code) == (0, 0)
    forth, back = f"{'3' * 40}...{'4' * 40}", f"{'4' * 40}...{'3' * 40}"
    assert f"\n\nweb v4: {source}/compare/{forth}\n\nReconcile-Image: " in of_update
    assert f"\n\nweb v3: {source}/compare/{back}\n\nReconcile-Image: " in of_release

"""``reconcile template`` and ``--git-commit-template``, as a user meets them."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.registry import Registry
from tests.interfaces.program import program, undocumented

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web, annotations: {{fluxcd.io/automated: "true"}}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "{image}:{tag}"}}]}}}}}}
"""


def test_without_a_file_our_own_words_are_shown_with_what_is_added() -> None:
    done = program("template", "--git-sign-off", "--git-ci-skip", "--git-user", "Robot")

    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0] == "Update 3 images [ci skip]"
    assert lines[-2:] == [
        "Reconcile-By: default@1f3a9c02",
        "Signed-off-by: Robot <reconcile@localhost>",
    ]


def test_a_file_or_standard_input_words_the_message_and_the_trailers_stay(tmp_path: Path) -> None:
    file = tmp_path / "commit.j2"
    file.write_text("chore: {{ changes | length }} images\n")

    by_file = program("template", str(file))
    by_setting = program("template", "--git-commit-template", str(file))
    by_stdin = program("template", "-", stdin="chore: {{ changes | length }} images")

    assert by_file.out == by_setting.out == by_stdin.out
    first, blank, *trailers = by_file.out.splitlines()
    assert (first, blank) == ("chore: 3 images", "")
    assert [each.partition(":")[0] for each in trailers] == ["Reconcile-Image"] * 3 + [
        "Reconcile-By"
    ]


def test_each_source_of_a_file_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "shop.j2").write_text("shop: {{ source }}@{{ branch }}")
    config = tmp_path / "config.yaml"
    config.write_text(
        f"sources:\n- {{name: shop, git-url: ., git-branch: live, git-commit-template: "
        f"{tmp_path}/shop.j2}}\n- {{name: blog, git-url: .}}\n"
    )

    done = program("template", "--config", str(config), "-o", "json")
    text = program("template", "--config", str(config))

    shop, blog = done.json["messages"]
    assert shop["message"].startswith("shop: shop@live\n\nReconcile-Image: ")
    assert blog["message"].startswith("Update 3 images\n")
    assert undocumented(done.json) == set()
    assert "# source shop\nshop: shop@live\n" in text.out


def test_sources_of_several_remotes_may_have_branches_of_one_name(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "git-push-branch: reconcile/images\nsources:\n"
        "- {name: shop, git-url: https://git.example/shop}\n"
        "- {name: blog, git-url: https://git.example/blog}\n"
    )

    done = program("template", "--config", str(config))

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a\n{% if %}", "commit.j2:2: expected an expression", id="syntax"),
        pytest.param(
            "Reconcile-By: me@-", "commit.j2: the commit template gives a line", id="ours"
        ),
        pytest.param("{# nothing #}", "gives an empty message", id="empty"),
        pytest.param("{{ '\\0' }}", "gives a zero byte", id="zero-byte"),
        pytest.param("{{ '\\ud800' }}", "gives what is no text", id="no-text"),
    ],
)
def test_a_wrong_template_is_a_usage_error_at_start(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "commit.j2"
    file.write_text(text)

    shown = program("template", str(file))
    run = program("--once", "--no-sync", "--git-url", ".", "--git-commit-template", str(file))

    assert (shown.code, run.code) == (2, 2)
    assert told in shown.err
    assert told in run.err


@pytest.mark.registry
def test_a_template_words_updates_and_releases_and_a_failing_one_stops_them(
    tmp_path: Path, anonymous_registry: Registry
) -> None:
    image = f"{anonymous_registry.host}/templates/web"
    anonymous_registry.push("templates/web", "v3", "v4")
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"web.yaml": MANIFEST.format(image=image, tag="v3").encode()})
    file = tmp_path / "commit.j2"
    file.write_text(
        "{{ action }}({{ changes[0].name }}): {{ changes[0].new_tag }}\n\n{{ default }}"
    )
    settings = ("--git-url", str(remote.path), "--data-dir", str(tmp_path / "data"))
    template = ("--git-commit-template", str(file))

    assert program("--once", "--no-sync", *settings, *template).code == 0
    updated = git(remote.path, "log", "-1", "--format=%B", "main")
    release = ("release", "web:deployment/web", *settings, *template, "--update-image")
    assert program(*release, ":v3").code == 0
    released = git(remote.path, "log", "-1", "--format=%s", "main").strip()
    assert (
        program(*release[:4], *settings, *template, "--update-image", ":v4", "-m", "Mine").code == 0
    )
    said = git(remote.path, "log", "-1", "--format=%s", "main").strip()

    assert updated.startswith("update(web): v4\n\nUpdate web to v4\n\nweb:deployment/web web: ")
    assert "\nReconcile-Image: web.yaml web:deployment/web web " in updated
    assert (released, said) == ("release(web): v3", "Mine")

    file.write_text("a\n{{ 1 // (changes | length - 1) }}")  # the sample has three
    anonymous_registry.push("templates/web", "v5")
    tip = remote.tip()
    done = program("--once", "--no-sync", *settings, *template)
    assert done.code == 3
    assert f"{file}:2: " in done.err
    assert remote.tip() == tip

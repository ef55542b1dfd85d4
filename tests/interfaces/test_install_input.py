"""What ``reconcile install`` is given, and what it refuses before it asks any cluster."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.packaged.manifests import FOLDERS, own_manifests
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.interfaces.cli.carried import ABOUT_THIS_RUN, CARRIED
from reconciler.options import OPTIONS, Kind
from tests.interfaces.program import ROOT, Done, program

IMAGE = "registry.example/acme/reconcile:0.1.0"
HTTPS = "https://git.example/acme/web"
SSH = "git@git.example:acme/web"


def install(*arguments: str, image: str = IMAGE) -> Done:
    return program("install", "--image", image, *arguments, env={"HOME": "/nonexistent"})


def export(*arguments: str) -> Done:
    return install("--export", *arguments)


def documents(done: Done) -> list[dict[str, Any]]:
    found = parse_documents(done.out, path="export")
    values = [to_value(each.root, path="export") for each in found if each.root]
    return [value for value in values if isinstance(value, dict)]


def settings_of(done: Done) -> str:
    (found,) = (each for each in documents(done) if each["kind"] == "ConfigMap")
    return str(found["data"]["reconcile.yaml"])


def test_every_option_that_names_a_file_is_carried_or_is_about_this_run() -> None:
    files = {option.name for option in OPTIONS if option.kind is Kind.PATH}

    assert files - set(CARRIED) - ABOUT_THIS_RUN == set()


def test_an_export_is_what_a_cluster_takes_and_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary\n")

    done = export("--git-url", HTTPS, "--git-password-file", str(tmp_path / "token"))

    assert (done.code, done.err) == (0, "")
    kinds = [each["kind"] for each in documents(done)]
    assert (kinds[0], kinds[-1]) == ("Namespace", "Deployment")
    assert "Secret" not in kinds
    assert (
        "kubectl create secret generic git --namespace reconcile --from-file=password" in done.out
    )
    assert "reconcile/installed-in" not in done.out
    assert "canary" not in done.out
    assert settings_of(done) == (
        f"git-password-file: /etc/reconcile/git/password\ngit-url: {HTTPS}\n"
    )


def test_of_an_ssh_remote_the_export_says_which_secret_is_needed() -> None:
    done = export("--git-url", SSH)

    assert "secret generic git --namespace reconcile --from-file=identity" in done.out
    assert "BEGIN" not in done.out


def test_a_file_of_settings_is_taken_as_it_is_written(tmp_path: Path) -> None:
    config = tmp_path / "reconcile.yaml"
    config.write_text(f"# ours\ngit-url:   {HTTPS}   # the one\ngit-path: [a, b]\n")

    alone = export("--config", str(config))
    with_more = export("--config", str(config), "--interval", "10m")

    assert settings_of(alone) == config.read_text()
    assert settings_of(with_more) == f'git-path:\n- a\n- b\ngit-url: {HTTPS}\ninterval: "10m"\n'


def test_what_is_about_this_run_is_not_carried_and_the_environment_is(tmp_path: Path) -> None:
    done = program(
        "install", "--image", IMAGE, "--export", "--git-url", HTTPS, "--namespace", "tools",
        "--data-dir", str(tmp_path), "--no-prune",
        env={"RECONCILE_GIT_BRANCH": "next", "RECONCILE_OUTPUT": "text"},
    )  # fmt: skip

    assert settings_of(done) == f"git-branch: next\ngit-url: {HTTPS}\nprune: false\n"
    assert {each["metadata"].get("namespace", "tools") for each in documents(done)} == {"tools"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "no Git remote given", id="no remote"),
        pytest.param(("--git-url", "ssh://git@"), "is no Git URL", id="no url"),
        pytest.param(("--git-url", "/srv/git/web"), "is a path: a pod does not have it", id="path"),
        pytest.param(("--git-url", "https://a:canary@b/c"), "with a user or password", id="secret"),
        pytest.param(("--git-url", "http://git.example/a"), "is not encrypted", id="http"),
        pytest.param(("--git-url", HTTPS, "--git-branch", "a..b"), "no name of a branch", id="ref"),
        pytest.param(("--git-url", HTTPS, "--interval", "soon"), "'soon' is no", id="interval"),
        pytest.param(("--git-url", HTTPS, "--manage", "Web"), "'Web' is no name", id="namespace"),
        pytest.param(("--git-url", HTTPS, "--namespace", "a_b"), "'a_b' is no name", id="own"),
        pytest.param(("--git-url", HTTPS, "--listen", ":9"), "our manifests ask port", id="port"),
        pytest.param(
            ("--git-url", HTTPS, "--git-password-file", "/none"), "cannot read '/none'", id="file"
        ),
        pytest.param(
            ("--git-url", HTTPS, "--git-pull-request"), "needs --git-push-branch", id="request"
        ),
        pytest.param(("--git-url", HTTPS, "--ready-timeout", "x"), "is no duration", id="wait"),
    ],
)
def test_what_is_wrong_is_refused(arguments: tuple[str, ...], message: str) -> None:
    done = install(*arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "canary" not in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("reconcile", "has no tag"),
        ("Reconcile:1", "invalid image reference"),
        ("", "invalid image reference"),
    ],
)
def test_an_image_that_is_none_is_refused(image: str, message: str) -> None:
    done = install("--git-url", HTTPS, image=image)

    assert done.code == 2
    assert message in done.err


def test_an_empty_file_is_no_password(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")

    done = export("--git-url", HTTPS, "--git-password-file", str(tmp_path / "token"))

    assert done.code == 2
    assert "is empty" in done.err


def test_files_of_single_sources_are_the_pods_own(tmp_path: Path) -> None:
    config = tmp_path / "reconcile.yaml"
    config.write_text(
        f"sources:\n- {{name: a, git-url: {HTTPS}, git-password-file: token}}\n"
        f"- {{name: b, git-url: {HTTPS}, git-password-file: /etc/reconcile/git/b}}\n"
    )

    done = export("--config", str(config))

    assert done.code == 2
    assert "sources[a]: git-password-file: 'token' is not where our pod has files" in done.err
    assert "sources[b]" not in done.err


def test_the_wheel_holds_the_manifests_and_no_copy_stands_in_the_sources(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        prefix = "reconciler/manifests/"
        held = {
            name.removeprefix(prefix): file.read(name).decode()
            for name in file.namelist()
            if name.startswith(prefix)
        }
    assert held == own_manifests()
    assert {path.split("/")[0] for path in held} == set(FOLDERS)
    assert not (ROOT / "reconciler/manifests").exists()

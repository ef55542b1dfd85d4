"""A part that is missing skips a test and says how to get it; in CI the test fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cluster import VARIABLE, Cluster, given_cluster
from lab.process import LabError, MissingPartError

ROOT = Path(__file__).parents[2]
USES_PARTS = """\
from lab.process import MissingPartError

def test_at_setup(anonymous_registry): pass

def test_while_it_runs():
    raise MissingPartError("the moon is missing: build it")
"""


def run_tests(folder: Path, *, ci: str) -> str:
    """Run tests that need parts, where none is built."""
    (folder / "test_parts.py").write_text(USES_PARTS)
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "CI": ci,
            "RECONCILE_LAB_CACHE": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
        },
    )
    return done.stdout


def test_elsewhere_tests_are_skipped_and_told_how_to_get_the_part(tmp_path: Path) -> None:
    out = run_tests(tmp_path, ci="")

    assert "the lab's registry is not built: run `make lab-build` (needs Go)" in out
    assert "the moon is missing: build it" in out
    assert "2 skipped" in out


def test_in_ci_they_fail(tmp_path: Path) -> None:
    out = run_tests(tmp_path, ci="true")

    assert "the lab's registry is not built" in out
    assert "1 failed, 1 error" in out


def test_a_given_cluster_is_used_as_its_kubeconfig_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\n[ "$3" = get ] && echo "{\\"seen\\": \\"$2\\"}" || echo "$*"\n')
    kubectl.chmod(0o755)
    kubeconfig = tmp_path / "config"
    kubeconfig.touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("RECONCILE_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(VARIABLE, str(kubeconfig))

    cluster = given_cluster()

    assert cluster is not None
    assert cluster.get("pods") == {"seen": str(kubeconfig)}
    assert cluster.kubectl("version") == f"--kubeconfig {kubeconfig} version\n"
    cluster.stop()


def test_a_given_cluster_has_no_audit_log_and_no_users_of_ours(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "config")

    with pytest.raises(MissingPartError, match="an audit log"):
        cluster.mark()
    with pytest.raises(MissingPartError, match="an audit log"):
        cluster.writes()
    with pytest.raises(MissingPartError, match="the user 'limited'"):
        cluster.kubeconfig_for("limited")
    with pytest.raises(MissingPartError, match="to stop"):
        cluster.stop_apiserver()
    with pytest.raises(MissingPartError, match="to start"):
        cluster.start_apiserver()


def test_a_given_cluster_whose_file_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nonexistent")

    with pytest.raises(MissingPartError, match="names no file: '/nonexistent'"):
        given_cluster()


def test_without_any_kubectl_the_message_says_how_to_build_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILE_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError, match="make lab-build"):
        Cluster(tmp_path / "config").kubectl("version")

"""``reconcile update``, as a user meets it."""

import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.registry import Registry
from tests.interfaces.program import COMMAND, environment, on_a_terminal, program

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  annotations: {{fluxcd.io/automated: "true"}}
spec:
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec:
      containers:
      - name: nginx
        image: {image}  # keep
"""
PROGRAM = f"{sys.executable} -m reconciler"
DIFF = """\
--- a/a.yaml
+++ b/a.yaml
@@ -10,4 +10,4 @@
     spec:
       containers:
       - name: nginx
-        image: r.example/nginx:v3  # keep
+        image: r.example/nginx:v4  # keep
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one automated Deployment, and a list of tags beside it."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.yaml").write_text(MANIFEST.format(name="a", image="r.example/nginx:v3"))
    (tmp_path / "tags").write_text("v3\nv4\n")
    return tmp_path / "web"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash."""
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=120
    )


def update(folder: Path, *more: str, tags: str = "v3\nv4\n") -> tuple[int, str, str]:
    done = program("update", str(folder), "--tags-file", "-", *more, stdin=tags)
    return done.code, done.out, done.err


def test_the_diff_is_all_that_is_printed_and_nothing_is_written(folder: Path) -> None:
    before = (folder / "a.yaml").read_bytes()

    assert update(folder) == (4, DIFF, "")
    assert (folder / "a.yaml").read_bytes() == before


def test_the_diff_is_one_that_git_takes(folder: Path) -> None:
    _, diff, _ = update(folder)

    subprocess.run(["git", "apply"], cwd=folder, input=diff, text=True, check=True)

    assert update(folder) == (0, "", "")


def test_a_written_file_keeps_its_mode_and_all_other_bytes(folder: Path) -> None:
    path = folder / "a.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    path.chmod(0o664)
    before = path.read_bytes()

    code, out, err = update(folder, "--write")

    line = "default:deployment/a  nginx: r.example/nginx:v3 -> v4\n"
    assert (code, out, err) == (0, line, "")
    assert path.read_bytes() == before.replace(b"nginx:v3", b"nginx:v4")
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert names(folder) == ["a.yaml"]
    assert update(folder, "--write") == (0, "", "")


def test_a_dry_run_writes_nothing_whatever_else_is_asked(folder: Path) -> None:
    assert update(folder, "--write", "--dry-run") == (4, DIFF, "")


def test_one_manifest_can_be_named(folder: Path) -> None:
    shutil.copy(folder / "a.yaml", folder / "b.yaml")

    code, out, _ = update(folder / "b.yaml", "--write")

    assert code == 0
    assert out.count("v3 -> v4") == 1
    assert "nginx:v3" in (folder / "a.yaml").read_text()


def test_the_document_is_the_outcome(folder: Path) -> None:
    code, out, _ = update(folder, "-o", "json")
    (source,) = program(
        "update", str(folder), "--tags-file", str(folder.parent / "tags"), "-o", "json"
    ).json["sources"]

    assert code == 4
    assert source["commitDiff"] == DIFF
    assert source["dryRun"] is True
    assert source["fetched"] == source["revision"]
    assert source["changes"][0]["to"] == "r.example/nginx:v4"
    assert str(source["fetched"]) in out


def test_what_is_skipped_or_wrong_goes_to_standard_error(folder: Path) -> None:
    digest = f"r.example/nginx@sha256:{'0' * 64}"
    (folder / "b.yaml").write_text(MANIFEST.format(name="b", image=digest))
    (folder / "c.yaml").write_text("apiVersion: v1\nkind: [fluxcd.io\n")
    (folder / "d.yaml").write_bytes(b"# \xff\n")
    (folder / "e.yaml").symlink_to("/etc/hosts")

    code, out, err = update(folder)

    assert (code, out) == (3, DIFF)
    assert "default:deployment/b  nginx: r.example/nginx@sha256:" in err
    assert "skipped: has a digest and no tag" in err
    assert "error: c.yaml:3: " in err
    assert "error: d.yaml:1: is not UTF-8" in err
    assert "error: e.yaml: is a link that leads out of the repository" in err


def test_a_file_over_the_limit_is_refused(folder: Path) -> None:
    with (folder / "b.yaml").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)

    code, out, err = update(folder)

    assert (code, out) == (3, DIFF)
    assert err == "error: b.yaml: has 16,777,217 bytes; the limit is 16,777,216\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["none"], "none: cannot read it: No such file or directory", id="missing"),
        pytest.param(["tags"], "tags: is no folder and no manifest (.yaml, .yml, .json)", id="txt"),
        pytest.param(["web", "--tags-file", "none"], "none: cannot read it: No such", id="no-tags"),
        pytest.param(["web", "--tags-file", "web"], "web: cannot read it: Is a dir", id="folder"),
        pytest.param([], "Missing argument 'PATH'", id="nothing"),
    ],
)
def test_wrong_input_is_named(folder: Path, arguments: list[str], message: str) -> None:
    done = program("update", *arguments, cwd=folder.parent)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_terminal_shows_the_diff_in_colours(folder: Path) -> None:
    arguments = ("update", str(folder), "--tags-file", str(folder.parent / "tags"))

    seen = on_a_terminal(*arguments).out
    plain = on_a_terminal(*arguments, env={"NO_COLOR": "1"}).out

    assert "\x1b[32m+        image: r.example/nginx:v4  # keep\x1b[0m\n" in seen
    assert "\n+        image: r.example/nginx:v4  # keep\n" in plain


def test_a_disk_that_takes_no_more_leaves_the_folder_as_it_was(folder: Path) -> None:
    before = (folder / "a.yaml").read_bytes()
    arguments = f"update {folder} --tags-file {folder.parent}/tags --write"

    # Who measures coverage writes a file too.
    unmeasured = "unset COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG"
    done = in_a_shell(f"{unmeasured}; ulimit -f 0; {PROGRAM} {arguments}")

    assert done.returncode == 1
    assert done.stderr == "failed: a.yaml: cannot write: File too large\n"
    assert (folder / "a.yaml").read_bytes() == before
    assert names(folder) == ["a.yaml"]


def test_output_that_cannot_be_written_is_a_failure(folder: Path) -> None:
    arguments = f"update {folder} --tags-file {folder.parent}/tags"

    for form in ("text", "json"):
        done = in_a_shell(f"{PROGRAM} {arguments} -o {form} > /dev/full")

        assert done.returncode == 1
        assert "cannot write the output: No space left on device\n" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_seen_enough_is_no_failure(folder: Path) -> None:
    arguments = f"update {folder} --tags-file {folder.parent}/tags"

    done = in_a_shell(f"{PROGRAM} {arguments} | head -c 5; exit ${{PIPESTATUS[0]}}")

    assert (done.returncode, done.stdout, done.stderr) == (4, "--- a", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_a_second_one_changes_nothing(
    folder: Path, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/nginx:v3"
        (folder / "a.yaml").write_text(MANIFEST.format(name="a", image=image))
        with subprocess.Popen(
            [*COMMAND, "update", str(folder), "--write"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as child:
            connection, _ = silent.accept()  # and never answer
            child.send_signal(number)
            time.sleep(0.1)  # it is on its way out
            child.send_signal(number)
            out, err = child.communicate(timeout=120)
            connection.close()

    assert (child.returncode, out, err) == (130, "", "\nreconcile: interrupted\n")


@pytest.mark.registry
def test_without_a_list_the_registries_are_asked(
    folder: Path, anonymous_registry: Registry
) -> None:
    anonymous_registry.push("update/nginx", "v3", "v5")
    image = f"{anonymous_registry.host}/update/nginx"
    (folder / "a.yaml").write_text(MANIFEST.format(name="a", image=f"{image}:v3"))

    done = program("update", str(folder), "--write")

    assert (done.code, done.err) == (0, "")
    assert f"image: {image}:v5  # keep" in (folder / "a.yaml").read_text()


def test_what_a_list_says_of_images_stands_for_the_registry(folder: Path) -> None:
    text = (folder / "a.yaml").read_text()
    text = text.replace(
        '"true"}', '"true", reconcile/policy: newest, reconcile/platforms: linux/arm64}'
    )
    (folder / "a.yaml").write_text(text)
    tags = (
        "v3 2026-01-01T00:00:00Z linux/arm64\n"
        "v2 2026-01-02T00:00:00Z linux/amd64,linux/arm64\n"
        "v1 2026-01-03T00:00:00Z linux/amd64\n"
    )

    code, out, err = update(folder, tags=tags)

    assert (code, out.count("-        image: r.example/nginx:v3"), err) == (4, 1, "")
    assert "+        image: r.example/nginx:v2  # keep" in out


def test_where_nobody_can_be_asked_for_a_digest_the_image_is_held(folder: Path) -> None:
    pinned = f"r.example/nginx:v3@sha256:{'0' * 64}"
    (folder / "a.yaml").write_text(MANIFEST.format(name="a", image=pinned))

    code, out, err = update(folder)

    assert (code, out) == (0, "")
    assert err.endswith("  skipped: the digest of v4 is not known yet\n")

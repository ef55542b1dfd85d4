"""The real kustomize, kept from all that is not in the files it is given."""

import fcntl
import http.server
import os
import resource
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from lab.build import require
from reconciler.adapters.kustomize.layout import laid_out
from reconciler.adapters.kustomize.program import KustomizeProgram
from reconciler.adapters.kustomize.seclusion import MAX_MEMORY_BYTES
from reconciler.errors import ManifestError, StoppedError, TransientError
from reconciler.stop import Stop

SLOW = f"[ $1 = version ] && echo v5.0.0 && exit; exec {shutil.which('sleep')} 600"
CONFIG_MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"


@pytest.fixture
def kustomize(tmp_path: Path) -> KustomizeProgram:
    return KustomizeProgram(tmp_path / "builds", path=str(require("kustomize").parent))


def refusal(kustomize: KustomizeProgram, files: Mapping[str, bytes], folder: str = "a") -> str:
    with pytest.raises(ManifestError) as caught:
        kustomize.build(files, folder)
    return str(caught.value)


def fake_program(folder: Path, script: str) -> str:
    folder.mkdir()
    program = folder / "kustomize"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


def test_a_base_is_built_with_what_is_laid_over_it(
    kustomize: KustomizeProgram, tmp_path: Path
) -> None:
    files = {
        "base/kustomization.yaml": b"resources: [a.yaml]\n",
        "base/a.yaml": CONFIG_MAP,
        "prod/kustomization.yaml": b"resources: [../base]\nnamePrefix: prod-\n"
        b"secretGenerator: [{name: s, files: ['-odd name']}]\n",
        "prod/-odd name": bytes(range(256)),
    }

    built = kustomize.build(files, "prod")

    assert "name: prod-settings" in built
    assert "kind: Secret" in built
    assert list((tmp_path / "builds").iterdir()) == []


def test_the_root_can_be_built(kustomize: KustomizeProgram) -> None:
    files = {"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": CONFIG_MAP}

    assert "name: settings" in kustomize.build(files, "")


def test_its_words_name_the_files_of_the_repository(
    kustomize: KustomizeProgram, tmp_path: Path
) -> None:
    said = refusal(kustomize, {"a/kustomization.yaml": b"resources: [gone.yaml]\n"})

    assert said.startswith("a: kustomize cannot build it: accumulating resources: ")
    assert "a/gone.yaml" in said
    assert str(tmp_path) not in said
    assert "build-" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("resources: [/etc/passwd]", "", id="absolute"),
        pytest.param("resources: [../../../../../../etc/passwd]", "", id="above"),
        pytest.param("resources: [../b/a.yaml]", "security", id="not-in-its-root"),
        pytest.param("helmCharts: [{name: x, repo: 'https://example.com'}]", "helm", id="helm"),
        pytest.param("resources: [github.com/acme/web]", "no 'git' program", id="git"),
        pytest.param("unknownField: 1", "unknownField", id="unknown"),
        pytest.param("resources: [../a]", "cycle", id="cycle"),
        pytest.param("a: [", "", id="no-yaml"),
    ],
)
def test_what_it_should_not_do_it_refuses(
    kustomize: KustomizeProgram, text: str, words: str
) -> None:
    files = {"a/kustomization.yaml": text.encode(), "b/a.yaml": CONFIG_MAP}

    said = refusal(kustomize, files)

    assert words in said
    assert "root:" not in said


def test_functions_and_plugins_of_the_repository_do_not_run(
    kustomize: KustomizeProgram, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    function = """\
apiVersion: v1
kind: Anything
metadata:
  name: run
  annotations:
    config.kubernetes.io/function: |
      exec: {path: ./run.sh}
"""
    files = {
        "a/kustomization.yaml": b"resources: [a.yaml]\ntransformers: [run.yaml]\n",
        "a/a.yaml": CONFIG_MAP,
        "a/run.yaml": function.encode(),
        "a/run.sh": f"#!/bin/sh\ntouch {canary}\n".encode(),
    }

    refusal(kustomize, files)

    assert not canary.exists()


@pytest.fixture
def asked() -> Iterator[tuple[list[str], int]]:
    """A server on loopback, and what it was asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONFIG_MAP)

        do_CONNECT = do_GET  # noqa: N815 - the base class's way to name them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield paths, server.server_port
        server.shutdown()
        thread.join()


def test_no_other_host_is_asked(
    kustomize: KustomizeProgram,
    asked: tuple[list[str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths, port = asked
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")  # ours is not handed on
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")

    refusal(kustomize, {"a/kustomization.yaml": b"resources: ['http://example.com/x.yaml']\n"})

    assert paths == []


BUILTIN = """\
apiVersion: builtin
kind: ConfigMapGenerator
metadata: {name: stolen}
files: ['key=http://127.0.0.1:PORT/secret']
"""


@pytest.mark.parametrize(
    "text",
    [
        "resources: ['http://127.0.0.1:PORT/x.yaml']",
        "resources: ['http://localhost:PORT/x.yaml']",
        "resources: ['http://[::1]:PORT/x.yaml']",
        "configMapGenerator: [{name: x, files: ['k=http://127.0.0.1:PORT/x']}]",
        "generators: [builtin.yaml]",
    ],
)
def test_loopback_is_not_asked_either(
    kustomize: KustomizeProgram, asked: tuple[list[str], int], text: str
) -> None:
    paths, port = asked
    files = {"a/kustomization.yaml": text, "a/builtin.yaml": BUILTIN}

    refusal(
        kustomize,
        {path: each.replace("PORT", str(port)).encode() for path, each in files.items()},
    )

    assert paths == []


@pytest.mark.parametrize("path", ["../out", "a/../../out", "/out", "a//out", "a/./out", ""])
def test_nothing_is_written_elsewhere(
    kustomize: KustomizeProgram, tmp_path: Path, path: str
) -> None:
    with pytest.raises(ManifestError, match="is no path of a file"):
        kustomize.build({"a/kustomization.yaml": b"", path: b"x"}, "a")

    assert [each.name for each in tmp_path.rglob("*")] == ["builds"]


def test_a_name_that_no_disk_takes_is_told_of(kustomize: KustomizeProgram) -> None:
    said = refusal(kustomize, {"a/kustomization.yaml": b"", f"a/{'x' * 300}": b""})

    assert said == "a: one of the files that it may load has a name that is too long here"


def test_a_bomb_of_aliases_goes_off_within_bounds(kustomize: KustomizeProgram) -> None:
    lines = ["x:", "  a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, 10):
        aliases = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"  a{level}: &a{level} [{aliases}]")
    files = {
        "a/kustomization.yaml": b"resources: [a.yaml]\n",
        "a/a.yaml": CONFIG_MAP + "\n".join(lines).encode(),
    }

    said = refusal(kustomize, files)

    assert "memory" in said
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert largest < 2 * MAX_MEMORY_BYTES


def test_without_the_program_it_is_said_what_to_install(tmp_path: Path) -> None:
    kustomize = KustomizeProgram(tmp_path / "builds", path=str(tmp_path))

    assert refusal(kustomize, {"a/kustomization.yaml": b""}) == (
        "a: is built by the program kustomize, which is not on the PATH: install version 5 or "
        "newer; nothing in 'a' is applied"
    )


@pytest.mark.parametrize("said", ["v4.5.7", "{Version:kustomize/v4.5.7 GitCommit:x}", "hello"])
def test_an_old_program_is_refused(tmp_path: Path, said: str) -> None:
    path = fake_program(tmp_path / "bin", f"echo '{said}'")
    kustomize = KustomizeProgram(tmp_path / "builds", path=path)

    assert "needs kustomize 5 or newer" in refusal(kustomize, {"a/kustomization.yaml": b""})


def test_one_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    path = fake_program(tmp_path / "bin", SLOW)
    kustomize = KustomizeProgram(tmp_path / "builds", path=path, time_limit_s=3.0)

    with pytest.raises(TransientError, match=r"^a: kustomize did not end within 3 s$"):
        kustomize.build({"a/kustomization.yaml": b""}, "a")


def test_one_that_is_killed_may_work_the_next_time(tmp_path: Path) -> None:
    path = fake_program(tmp_path / "bin", '[ "$1" = version ] && echo v5.0.0 && exit; kill -9 $$')
    kustomize = KustomizeProgram(tmp_path / "builds", path=path)

    with pytest.raises(TransientError, match="ended by signal 9"):
        kustomize.build({"a/kustomization.yaml": b""}, "a")


def test_a_stop_ends_it(tmp_path: Path) -> None:
    path = fake_program(tmp_path / "bin", SLOW)
    stop = Stop()
    stop.ask()
    kustomize = KustomizeProgram(tmp_path / "builds", path=path, stop=stop)

    with pytest.raises(StoppedError):
        kustomize.build({"a/kustomization.yaml": b""}, "a")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = str(require("kustomize").parent)
    kustomize = KustomizeProgram(tmp_path / "file" / "builds", path=path)

    with pytest.raises(TransientError, match="kustomize cannot be run: not a directory"):
        kustomize.build({"a/kustomization.yaml": b""}, "a")


def test_what_a_killed_build_left_goes_with_the_next_and_what_is_built_stays(
    kustomize: KustomizeProgram, tmp_path: Path
) -> None:
    left, busy = tmp_path / "builds/build-left", tmp_path / "builds/build-busy"
    for each in (left, busy):
        (each / "files").mkdir(parents=True)
    lock = os.open(busy, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)

    kustomize.build({"a/kustomization.yaml": b"namePrefix: a\nresources: []\n"}, "a")

    os.close(lock)
    assert (left.exists(), busy.exists()) == (False, True)


def test_secret_files_are_in_memory_readable_by_us_alone_and_gone_afterwards(
    tmp_path: Path,
) -> None:
    memory, directory = tmp_path / "memory", tmp_path / "disk"
    memory.mkdir()

    with laid_out({"a/b": b"secret"}, directory, is_secret=True, memory=memory) as root:
        file = root / "a/b"
        assert file.is_relative_to(memory)
        assert file.stat().st_mode & 0o777 == 0o600
        assert root.parent.stat().st_mode & 0o777 == 0o700

    assert list(memory.rglob("build-*")) == []
    assert not directory.exists()


def test_what_was_left_in_memory_goes_with_a_build_that_has_no_secrets_too(tmp_path: Path) -> None:
    left = tmp_path / "memory" / f"reconcile-{os.getuid()}" / "build-left" / "files"
    left.mkdir(parents=True)
    (left / "a").write_text("secret")

    with laid_out({"a": b"x"}, tmp_path / "disk", is_secret=False, memory=tmp_path / "memory"):
        assert not left.parent.exists()


@pytest.mark.parametrize("is_there", [False, True], ids=["no-memory", "somebody-else's"])
def test_without_memory_of_our_own_they_are_in_our_folder_or_nowhere(
    tmp_path: Path, is_there: bool
) -> None:
    memory, directory = tmp_path / "memory", tmp_path / "disk"
    if is_there:
        memory.mkdir()
        (tmp_path / "elsewhere").mkdir()
        (memory / f"reconcile-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
        with (
            pytest.raises(PermissionError),
            laid_out({"a": b"x"}, directory, is_secret=True, memory=memory),
        ):
            pass
        assert list((tmp_path / "elsewhere").iterdir()) == []
        return

    with laid_out({"a": b"x"}, directory, is_secret=True, memory=memory) as root:
        assert root.is_relative_to(directory)

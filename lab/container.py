"""Builds the project's container image without a container engine, and runs it as a cluster would.

Buildah builds on a Debian that debootstrap makes; its storage is in the lab's cache. A program of
the image runs in mount and process namespaces of its own, with the image as its root.

By hand: ``python -m lab.container`` builds, and tells name and size.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.build import SOURCES, cache_folder
from lab.process import LabError, MissingPartError

PROJECT = Path(__file__).parents[1]
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
"""What the base has beyond Debian's minimum: as much as a slim Python image, and no more."""

DATA = "/data"
_INSTALL = "apt-get install --no-install-recommends debootstrap buildah"
_NAME = "localhost/reconcile"
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MODULE = SOURCES / "kustomize"
_MAX_CACHED = 150  # images, those between two steps included: a changed source file leaves ten
_RUN_TIMEOUT_S = 240.0

_SETUP = """\
root=$1 is_read_only=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro "$root/dev"
while [ "$1" != -- ]; do
    if [ -d "$2" ]; then mkdir -p "$root$3"; else mkdir -p "$root${3%/*}"; : >> "$root$3"; fi
    mount --bind "$2" "$root$3"
    [ "$1" = rw ] || mount -o remount,bind,ro "$root$3"
    shift 3
done
shift
[ "$is_read_only" = no ] || mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups \\
    --bounding-set=-all --inh-caps=-all --no-new-privs env -C "$WORKDIR" "$@"
"""
"""Makes the image the root: nothing is writable but the mounts that say so, no capability is left.

Arguments: root, ``yes`` or ``no`` for read-only, user, then ``ro`` or ``rw``, source and target of
each mount, ``--``, command.
"""


@dataclass(frozen=True)
class Mount:
    """A file or folder of ours at a place in the container."""

    source: Path
    target: str
    is_writable: bool = False


@dataclass(frozen=True)
class Image:
    """An image in the lab's storage."""

    name: str

    def inspect(self) -> Any:  # noqa: ANN401 - whatever buildah says
        """Return what ``buildah inspect`` tells: configuration, history, layers."""
        return json.loads(_buildah("inspect", "--type", "image", self.name))

    @property
    def config(self) -> Mapping[str, Any]:
        """What a container engine reads: Env, User, Entrypoint, Labels."""
        config: Mapping[str, Any] = self.inspect()["OCIv1"]["config"]
        return config

    def size_bytes(self) -> int:
        """Return its size on disk, that of its base included."""
        listed = json.loads(_buildah("images", "--json", self.name))
        number, unit = str(listed[0]["size"]).split()
        return round(float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])


@dataclass(frozen=True)
class Container:
    """An image whose files are mounted, so that its programs can run."""

    image: Image
    root: Path

    def run(
        self,
        *arguments: str,
        entrypoint: Sequence[str] = (),
        uid: int = 54321,
        is_read_only: bool = True,
        mounts: Sequence[Mount] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the image's entrypoint, or another one, until it ends.

        Args:
            arguments: for the entrypoint.
            entrypoint: what to run instead; empty: the image's own.
            uid: user and group; there need not be an account.
            is_read_only: whether only writable mounts can be written to.
            mounts: what is lent to it; a cluster mounts a volume at ``/data``.
            environment: variables beside the image's own.
        """
        command = [*(entrypoint or self.image.config["Entrypoint"]), *arguments]
        return subprocess.run(
            self._inside(command, mounts, uid=uid, is_read_only=is_read_only),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_TIMEOUT_S,
            env=self._variables(environment or {}),
        )

    @contextlib.contextmanager
    def running(
        self,
        *arguments: str,
        mounts: Sequence[Mount] = (),
        environment: Mapping[str, str] | None = None,
        uid: int = 54321,
    ) -> Iterator["Running"]:
        """Run the image's entrypoint on a read-only root while the block runs; see :meth:`run`."""
        command = [*self.image.config["Entrypoint"], *arguments]
        process = subprocess.Popen(
            self._inside(command, mounts, uid=uid, is_read_only=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._variables(environment or {}),
        )
        with process:
            try:
                yield Running(process)
            finally:
                process.kill()  # and with it, by --kill-child, all that runs inside

    def _inside(
        self, command: Sequence[str], mounts: Sequence[Mount], *, uid: int, is_read_only: bool
    ) -> list[str]:
        """Return how to run a command with the image as its root, as its process 1."""
        lent: list[str] = []
        for each in mounts:
            _require_plain(self.root, each.target)
            lent += ["rw" if each.is_writable else "ro", str(each.source), each.target]
        setup = [str(self.root), "yes" if is_read_only else "no", str(uid), *lent, "--", *command]
        return [
            *("unshare", "--mount", "--propagation", "private"),
            *("--pid", "--fork", "--kill-child"),
            *("/bin/sh", "-euc", _SETUP, "setup", *setup),
        ]

    def _variables(self, more: Mapping[str, str]) -> dict[str, str]:
        config = self.image.config
        variables = dict(each.split("=", 1) for each in config["Env"])
        return {**variables, "WORKDIR": config.get("WorkingDir") or "/", **more}


@dataclass(frozen=True)
class Running:
    """A program of an image that runs."""

    process: "subprocess.Popen[str]"

    def terminate(self) -> None:
        """Ask it to end, as a cluster does: its process 1 gets SIGTERM.

        Raises:
            LabError: it has ended.
        """
        outer = self.process.pid
        inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        if not inner:
            raise LabError("there is no process 1 any more")
        os.kill(int(inner[0]), signal.SIGTERM)


def build_image() -> Image:
    """Return the project's image as its files are now; what did not change is taken from the cache.

    Raises:
        MissingPartError: a program is not installed, or we are not root.
        LabError: the build failed, with its last words.
    """
    _require_parts()
    with _locked():
        _forget_old_layers()
        base = _base()
        name = f"{_NAME}:lab"
        _buildah(
            "bud",
            *("--isolation", "chroot", "--layers", "--timestamp", "0"),
            # The host's CA bundle is lent to pip; it covers the same file of the base.
            *(("-v", f"{_CA_BUNDLE}:{_CA_BUNDLE}:ro") if _CA_BUNDLE.is_file() else ()),
            *("--build-arg", f"BASE={base}", "--build-arg", f"GO={_go(base)}"),
            *("--tag", name, str(PROJECT)),
        )
        return Image(_buildah("images", "--quiet", "--no-trunc", name).split()[0].partition(":")[2])


@contextlib.contextmanager
def mounted(image: Image) -> Iterator[Container]:
    """Mount an image while the block runs.

    Raises:
        LabError: it cannot be mounted.
    """
    with _locked():
        _remove_left_over()
        name = _buildah("from", "--pull-never", "--name", f"lab-{os.getpid()}", image.name).strip()
        root = Path(_buildah("mount", name).strip())
    try:
        yield Container(image, root)
    finally:
        with _locked():
            _buildah("rm", name)


def main() -> int:
    """Build the image, and tell what came of it."""
    try:
        image = build_image()
        print(f"{image.name} ({image.size_bytes() / 1e6:,.0f} MB)")
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _base() -> str:
    """Return the name of the base image, made if it is missing."""
    recipe = "\0".join((SUITE, *PACKAGES))
    name = f"localhost/lab-base:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if not _buildah("images", "--quiet", "--filter", f"reference={name}"):
        container = _buildah("from", "scratch").strip()
        try:
            _debootstrap(Path(_buildah("mount", container).strip()))
            _buildah("commit", container, name)
        finally:
            _buildah("rm", container)
    return name


def _go(base: str) -> str:
    """Return the name of an image with this machine's Go, made if it is missing."""
    program = shutil.which("go")
    if program is None:
        raise MissingPartError("kustomize is built with Go: install Go 1.25 or newer")
    go = json.loads(_run([program, "env", "-json", "GOROOT", "GOVERSION"], directory=MODULE))
    recipe = f"{base}\0{go['GOVERSION']}"
    name = f"localhost/lab-go:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if not _buildah("images", "--quiet", "--filter", f"reference={name}"):
        container = _buildah("from", "--pull-never", base).strip()
        try:
            _buildah("copy", container, go["GOROOT"], "/usr/local/go")
            _buildah("config", "--env", "PATH=/usr/local/go/bin:/usr/bin:/bin", container)
            _buildah("commit", container, name)
        finally:
            _buildah("rm", container)
    return name


def _debootstrap(root: Path) -> None:
    """Install Debian into a folder, from the mirror that debootstrap knows."""
    packages = ",".join(PACKAGES)
    _run(["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(root)])
    for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*"):
        for path in root.glob(pattern):
            path.unlink()


def _require_parts() -> None:
    for name in ("debootstrap", "buildah"):
        if shutil.which(name, path=_PATH) is None:
            raise MissingPartError(f"{name} is missing: {_INSTALL}")
    if os.geteuid() != 0:
        raise MissingPartError("containers are built and run by root here: nobody else may mount")


def _forget_old_layers() -> None:
    """Empty the cache when it holds what many builds left; the next one takes its time then."""
    images = json.loads(_buildah("images", "--all", "--json") or "[]") or []
    if len(images) > _MAX_CACHED:
        with contextlib.suppress(LabError):  # somebody runs one of them just now
            _buildah("rmi", "--prune")


def _require_plain(root: Path, target: str) -> None:
    """Refuse a place behind a symbolic link: it would be followed to a place of ours."""
    for parent in (Path(target), *Path(target).parents):
        if (root / parent.relative_to("/")).is_symlink():
            raise LabError(f"{parent} is a symbolic link in the image: name what it leads to")


def _remove_left_over() -> None:
    """Remove the containers of processes that were killed."""
    for each in json.loads(_buildah("containers", "--json") or "[]") or []:
        owner = str(each["containername"]).removeprefix("lab-")
        if owner.isdigit() and not Path("/proc", owner).is_dir():
            _buildah("rm", each["containername"])


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let one process after the other change the storage."""
    folder = cache_folder() / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _buildah(*arguments: str) -> str:
    storage = cache_folder() / "containers" / "storage"
    # What is mounted is known here, and must be forgotten when the machine starts anew.
    run = Path("/run/reconcile-lab") / hashlib.sha256(str(storage).encode()).hexdigest()[:16]
    return _run(["buildah", "--root", str(storage), "--runroot", str(run), *arguments])


def _run(command: Sequence[str], *, directory: Path | None = None) -> str:
    """Run a program as if nobody were logged in: no registry passwords, no settings of users."""
    done = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,  # else others could not read what the image gets
        env={"PATH": _PATH, "HOME": str(cache_folder()), "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise LabError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

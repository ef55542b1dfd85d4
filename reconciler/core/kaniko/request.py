"""What somebody wants to have built: texts of a command line become values, or all problems."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import ImageReference
from reconciler.core.kaniko.context import HTTP, SSH, BuildContext
from reconciler.errors import ReconcilerError, SettingsError

EXECUTOR_IMAGE: Final = "gcr.io/kaniko-project/executor:v1.24.0"
"""The last release of the project that Kaniko comes from; forks of it take the same flags."""

GIT_IMAGE: Final = "docker.io/alpine/git:v2.49.1"
REGISTRY_SECRET: Final = "regcred"  # noqa: S105 - a Secret's name
DOCKERFILE: Final = "Dockerfile"
MAX_NAME: Final = 52
"""Characters of a Job's name: its pods have the same and eleven more, and labels hold 63."""

OWN_FLAGS: Final = frozenset(
    {
        "--build-arg", "--cache", "--cache-repo", "--context", "--context-sub-path",
        "--custom-platform", "--customPlatform", "--destination", "--digest-file", "--dockerfile",
        "--bucket", "--git", "--no-push", "--kaniko-dir",
    }
)  # fmt: skip
"""What the Job says of itself: given twice, nobody would know which counts."""

_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_OBJECT: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_ARGUMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL | re.ASCII)
_FLAG: Final = re.compile(r"--[A-Za-z][\w-]*(?:=.*)?", re.DOTALL | re.ASCII)
_MAX_FLAG: Final = 4096

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build.

    Attributes:
        namespace: of the Job.
        context: what is built.
        destinations: where the image is pushed, with tags.
        dockerfile: its path, below the folder of the context.
        executor_image: Kaniko's.
        git_image: has a shell, git and ssh: fetches a context that is reached by SSH.
        registry_secret: with the logins of registries; empty: none is needed.
        git_secret: with what opens the repository; empty: anybody may read it.
        pull_secret: with the login for the two images; empty: none is needed.
        ca_config_map: with ``ca.crt``, which registries and Git are to be trusted by; empty: none.
        build_args: ``NAME=VALUE``.
        platform: what the image is to run on; None: whatever node it is.
        has_cache: whether layers are kept in a registry.
        cache_repo: in which repository; empty: one beside the destination.
        limits: by resource, as Kubernetes writes them.
        flags: for the executor, as they are.
        deadline_s: how long the build may take.
        ttl_s: how long the Job is kept after that.
    """

    namespace: str
    context: BuildContext
    destinations: tuple[ImageReference, ...]
    dockerfile: str = DOCKERFILE
    executor_image: str = EXECUTOR_IMAGE
    git_image: str = GIT_IMAGE
    registry_secret: str = REGISTRY_SECRET
    git_secret: str = ""
    pull_secret: str = ""
    ca_config_map: str = ""
    build_args: tuple[str, ...] = ()
    platform: Platform | None = None
    has_cache: bool = False
    cache_repo: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    deadline_s: int = 3600
    ttl_s: int = 3600


@dataclass(frozen=True, slots=True)
class Given:
    """The texts of a command line, by the names of the options."""

    namespace: str
    context: str
    destinations: Sequence[str]
    dockerfile: str
    executor_image: str
    git_image: str
    registry_secret: str
    git_secret: str
    pull_secret: str
    ca_config_map: str
    build_args: Sequence[str]
    platform: str
    has_cache: bool
    cache_repo: str
    limits: Mapping[str, str]
    flags: Sequence[str]
    deadline_s: int
    ttl_s: int
    is_insecure: bool


def read_request(given: Given) -> BuildRequest:
    """Return what is wanted.

    Raises:
        SettingsError: something is wrong; all of it is told.
    """
    reader = _Reader([])
    read = reader.read
    context = read("--context", BuildContext.parse, given.context, "is missing: what to build")
    if context is not None:
        reader.check_context(context, given)
    destinations = [
        found
        for text in given.destinations or ("",)
        if (found := read("--destination", _destination, text, "is missing: where to push"))
    ]
    reader.check_names(given)
    reader.check_texts(given)
    platform = read("--platform", Platform.parse, given.platform) if given.platform else None
    if reader.problems or context is None:
        raise SettingsError("\n".join(reader.problems))
    return BuildRequest(
        namespace=given.namespace,
        context=context,
        destinations=tuple(destinations),
        dockerfile=given.dockerfile,
        executor_image=given.executor_image,
        git_image=given.git_image,
        registry_secret=given.registry_secret,
        git_secret=given.git_secret,
        pull_secret=given.pull_secret,
        ca_config_map=given.ca_config_map,
        build_args=tuple(given.build_args),
        platform=platform,
        has_cache=given.has_cache or bool(given.cache_repo),
        cache_repo=given.cache_repo,
        limits=dict(given.limits),
        flags=tuple(given.flags),
        deadline_s=given.deadline_s,
        ttl_s=given.ttl_s,
    )


def check_job_name(name: str) -> None:
    """Refuse what no Job can be called.

    Raises:
        SettingsError: it cannot.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise SettingsError(f"--name: {name[:200]!r} is no name of up to {MAX_NAME} characters")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads texts, and collects what is wrong with them."""

    problems: list[str]

    def read(
        self, option: str, parse: Callable[[str], Value], text: str, if_empty: str = ""
    ) -> Value | None:
        if not text and if_empty:
            self.problems.append(f"{option} {if_empty}")
            return None
        try:
            return parse(text)
        except ReconcilerError as error:
            self.problems.append(f"{option}: {error}")
            return None

    def check(self, option: str, text: str, pattern: re.Pattern[str], problem: str) -> None:
        if not pattern.fullmatch(text):
            self.problems.append(f"{option}: {text[:200]!r} {problem}")

    def check_context(self, context: BuildContext, given: Given) -> None:
        if context.scheme == HTTP and not given.is_insecure:
            self.problems.append("--context: is not encrypted; --git-insecure permits it")
        if context.scheme == SSH and not given.git_secret:
            self.problems.append(
                "--context: a repository that is reached by SSH needs --git-secret, a Secret with "
                "the keys 'identity' and 'known_hosts'"
            )

    def check_names(self, given: Given) -> None:
        self.check("--namespace", given.namespace, _NAMESPACE, "is no name of a namespace")
        for option, name in (
            ("--registry-secret", given.registry_secret),
            ("--git-secret", given.git_secret),
            ("--pull-secret", given.pull_secret),
            ("--ca-config-map", given.ca_config_map),
        ):
            if name:
                self.check(option, name, _OBJECT, "is no name of an object")
        for option, image in (
            ("--executor-image", given.executor_image),
            ("--git-image", given.git_image),
        ):
            self.read(option, _tagged, image, "is empty")
        if given.cache_repo:
            self.read("--cache-repo", ImageReference.parse, given.cache_repo)

    def check_texts(self, given: Given) -> None:
        for text in given.build_args:
            if not _ARGUMENT.fullmatch(text):
                name = text.partition("=")[0]
                self.problems.append(f"--build-arg: {name[:200]!r}: write NAME=VALUE")
        for resource, quantity in given.limits.items():
            problem = "is no quantity: write 500m, 2 or 4Gi"
            self.check(f"--{resource}", quantity, _QUANTITY, problem)
        self.check_dockerfile(given.dockerfile)
        for flag in given.flags:
            self.check_flag(flag)

    def check_dockerfile(self, path: str) -> None:
        parts = path.split("/")
        if not path or not path.isprintable() or path.startswith(("/", "-")) or ".." in parts:
            self.problems.append(f"--dockerfile: {path[:200]!r} is no path in the context")

    def check_flag(self, flag: str) -> None:
        name = flag.partition("=")[0]
        if not _FLAG.fullmatch(flag) or len(flag) > _MAX_FLAG:
            problem = "is no flag: write --executor-flag=--NAME=VALUE"
            self.problems.append(f"--executor-flag: {name[:200]!r} {problem}")
        elif name in OWN_FLAGS:
            self.problems.append(f"--executor-flag: {name!r} is what the Job says by itself")


def _destination(text: str) -> ImageReference:
    reference = _tagged(text)
    if reference.digest is not None:
        raise SettingsError(f"{text!r} has a digest, which the build makes: write IMAGE:TAG")
    return reference


def _tagged(text: str) -> ImageReference:
    reference = ImageReference.parse(text)
    if reference.tag is None and reference.digest is None:
        raise SettingsError(f"{text!r} has no tag")
    return reference

"""The table of options: what the command line, the environment, the file and the docs read."""

import enum
import re
from dataclasses import dataclass

from reconciler.errors import SettingsError

ENVIRONMENT_PREFIX = "RECONCILE_"


class Kind(enum.Enum):
    """What an option's text means, and how it is written."""

    TEXT = "TEXT"
    PATH = "PATH"
    SWITCH = "true|false"
    DURATION = "DURATION"
    NUMBER = "NUMBER"
    LIST = "TEXT,…"
    ADDRESS = "[HOST]:PORT"
    CHOICE = "CHOICE"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting.

    A switch that is on by default is written ``--no-NAME`` (and ``--NAME``) on the command line.
    ``is_per_source`` tells whether an entry of the file's ``sources:`` may set it for itself.
    """

    name: str  # as after ``--``
    kind: Kind
    help: str
    default: object = None
    metavar: str = ""
    choices: tuple[str, ...] = ()
    is_per_source: bool = False
    short: str = ""
    shown_default: str = ""

    @property
    def key(self) -> str:
        """The option's name in code and in the outcome of reading: ``git_url``."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Its environment variable: ``RECONCILE_GIT_URL``."""
        return ENVIRONMENT_PREFIX + self.key.upper()


def _source(name: str, kind: Kind, text: str, **more: object) -> Option:
    return Option(name, kind, text, is_per_source=True, **more)  # type: ignore[arg-type]  # checked by the table's test


OPTIONS: tuple[Option, ...] = (
    Option("source", Kind.LIST, "source of the file to work on; may be repeated", metavar="NAME",
           shown_default="all of them"),
    _source("git-url", Kind.TEXT, "remote: https://…, ssh://…, git@host:…, a path", metavar="URL"),
    _source("git-branch", Kind.TEXT, "branch to read and push", shown_default="the remote's HEAD"),
    _source("git-push-branch", Kind.TEXT, "branch of our own for commits, moved by force",
            metavar="BRANCH", shown_default="the one that is read"),
    _source("git-pull-request", Kind.SWITCH, "show what is on that branch as a pull request",
            default=False),
    _source("git-commit-status", Kind.SWITCH, "give the commit that was synced a status",
            default=False),
    _source("git-forge", Kind.CHOICE, "what serves the remote",
            choices=("github", "gitlab", "gitea"), shown_default="as its host tells"),
    _source("git-api-url", Kind.TEXT, "where that has its API", metavar="URL",
            shown_default="where it is usual"),
    _source("git-api-token-file", Kind.PATH, "file with the token for the API",
            shown_default="the password file"),
    _source("git-read-only", Kind.SWITCH, "push nothing; tell what is due", default=False),
    _source("git-path", Kind.LIST, "folder to manage; may be repeated", shown_default="the root"),
    _source("git-user", Kind.TEXT, "author and committer of commits", default="reconcile"),
    _source("git-email", Kind.TEXT, "their e-mail address", default="reconcile@localhost"),
    _source("git-commit-template", Kind.PATH, "Jinja2 template for commit messages",
            shown_default="our own words"),
    _source("git-commit-links", Kind.SWITCH, "link in messages to what is new, from image labels",
            default=False),
    _source("git-ci-skip", Kind.SWITCH, "keep CI from building commits: [ci skip] in the subject",
            default=False),
    _source("git-ci-skip-message", Kind.TEXT, "another text for that", shown_default="[ci skip]"),
    _source("git-sign-off", Kind.SWITCH, "have the committer sign commits off (DCO)",
            default=False),
    _source("git-ssh-key-file", Kind.PATH, "private key for an SSH remote",
            shown_default="the SSH agent's"),
    _source("git-known-hosts-file", Kind.PATH, "host keys to trust",
            shown_default="the user's and the system's"),
    _source("git-username", Kind.TEXT, "user name for the remote"),
    _source("git-password-file", Kind.PATH, "file with the password or token for the remote"),
    _source("git-ca-file", Kind.PATH, "CA bundle for the remote", shown_default="the system's"),
    _source("git-push-option", Kind.LIST, "text that the remote gets with pushes; may be repeated",
            shown_default="none"),
    _source("git-signing-key-file", Kind.PATH, "private key that signs commits",
            shown_default="not signed"),
    _source("git-signing-format", Kind.CHOICE, "what that key must be", choices=("ssh", "openpgp"),
            shown_default="as the file shows"),
    _source("git-signing-passphrase-file", Kind.PATH, "file with what opens that key"),
    _source("git-insecure", Kind.SWITCH, "permit plain HTTP beyond loopback", default=False),
    _source("git-history", Kind.NUMBER, "commits to know, without contents", default=1000),
    Option("docker-config", Kind.PATH, "a docker config.json with registry passwords",
           shown_default="$DOCKER_CONFIG, ~/.docker"),
    Option("registry-insecure", Kind.LIST, "registry that speaks plain HTTP; may be repeated",
           metavar="HOST[:PORT]", shown_default="loopback hosts"),
    Option("registry-ca-file", Kind.PATH, "CA bundle to trust beside the system's"),
    Option("registry-cloud", Kind.LIST, "log in to that cloud's registries as this pod",
           metavar="aws|gcp|azure", choices=("aws", "gcp", "azure"), shown_default="none"),
    Option("kubeconfig", Kind.PATH, "cluster to use", shown_default="in-cluster, then $KUBECONFIG"),
    Option("context", Kind.TEXT, "context of the kubeconfig", shown_default="its current one"),
    Option("namespace", Kind.TEXT, "namespace of our state objects",
           shown_default="the pod's own, else reconcile"),
    _source("service-account", Kind.TEXT, "ServiceAccount whose rights the source has, and no more",
            metavar="[NAMESPACE/]NAME", shown_default="our own"),
    _source("default-namespace", Kind.TEXT, "namespace where none is named", default="default"),
    _source("variables", Kind.LIST, "what to fill in for ${NAME}; may be repeated",
            metavar="NAME=VALUE|configmap/NAME|secret/NAME"),
    _source("sops-age-key-file", Kind.LIST, "key for encrypted manifests; may be repeated",
            metavar="FILE", shown_default="none"),
    _source("sync", Kind.SWITCH, "sync manifests to the cluster", default=True),
    _source("update", Kind.SWITCH, "update images in Git", default=True),
    _source("prune", Kind.SWITCH, "delete objects that left Git", default=True),
    _source("prune-allow", Kind.TEXT, "permit this revision's refused prune", metavar="REVISION"),
    _source("take-over", Kind.LIST, "take the fields of that manager; may be repeated",
            metavar="MANAGER", shown_default="kubectl's"),
    _source("depends-on", Kind.LIST, "source that must be in sync first; may be repeated",
            metavar="SOURCE", shown_default="none"),
    Option("wait", Kind.SWITCH, "wait until what was applied is healthy", default=True),
    Option("timeout", Kind.DURATION, "how long to wait for that", default="5m"),
    _source("interval", Kind.DURATION, "between cycles when running continuously", default="5m"),
    Option("listen", Kind.ADDRESS, "where to serve health and metrics when continuous, or off",
           default=":8080"),
    Option("webhook-secret-file", Kind.PATH, "file with the secret of webhooks",
           shown_default="no webhooks"),
    Option("page-token-file", Kind.PATH, "file with the token of the page and the API",
           shown_default="neither is served"),
    Option("page-anonymous", Kind.SWITCH, "let everybody see them", default=False),
    Option("events", Kind.SWITCH, "write Kubernetes Events beside workloads", default=True),
    Option("notify-url-file", Kind.PATH, "file with the URL that is told what happens",
           shown_default="nobody is told"),
    Option("notify-secret-file", Kind.PATH, "file with what signs that",
           shown_default="not signed"),
    Option("notify-apprise-file", Kind.PATH, "file with the Apprise URLs that are told it, too",
           shown_default="none"),
    _source("notify", Kind.LIST, "what is told", metavar="KIND,…", shown_default="all",
            choices=("updated", "stalled", "failing", "held", "recovered", "suspended",
                     "resumed")),
    Option("data-dir", Kind.PATH, "folder for clones and caches", shown_default="a cache folder"),
    Option("dry-run", Kind.SWITCH, "print what would change; change nothing", default=False),
    Option("output", Kind.CHOICE, "what is printed to standard output", default="text",
           choices=("text", "json"), short="o"),
    Option("log-format", Kind.CHOICE, "form of the log on standard error",
           choices=("text", "json"), shown_default="text on a terminal, else json"),
    Option("log-level", Kind.CHOICE, "least severe message to log",
           choices=("debug", "info", "warning", "error"),
           shown_default="info when continuous, else error"),
)  # fmt: skip

_DURATION = re.compile(r"(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def parse_duration_s(text: str) -> float:
    """Return the seconds of a duration such as ``90s``, ``5m`` or ``1h30m``.

    Raises:
        SettingsError: the text is no duration, or is zero.
    """
    found = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise SettingsError(f"{text!r} is no duration; write 90s, 5m or 1h30m")
    return float(total)

"""Settings as frozen values."""

from dataclasses import dataclass, field
from pathlib import Path

from reconciler.core.manifests.variables import VariableSource
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.tidings import Kind
from reconciler.host_settings import HostSettings


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: ``:8080``, ``127.0.0.1:8080``, ``[::1]:8080``."""

    host: str
    """A name or an IP address; empty: all addresses of this machine."""

    port: int
    """From 0 to 65535; 0: any that is free."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries are spoken to."""

    docker_config: Path | None = None
    """A docker ``config.json`` that must exist; None: the default one, if there is one."""

    insecure_hosts: frozenset[str] = field(default_factory=frozenset)
    """Hosts (``HOST[:PORT]``) that may be spoken to in plain HTTP; loopback always may."""

    ca_file: Path | None = None
    """A CA bundle that is trusted beside the system's; None: the system's alone."""

    hosts: tuple[HostSettings, ...] = ()
    """Registries about which something special is known; hosts distinct."""

    clouds: frozenset[str] = field(default_factory=frozenset)
    """Clouds (``aws``, ``gcp``, ``azure``) that give logins for their own registries."""

    connect_timeout_s: float = 5.0
    """Seconds to wait for a connection: a registry that is up answers a SYN at once."""

    read_timeout_s: float = 30.0
    """Seconds of silence after which an answer is given up."""

    answer_timeout_s: float = 60.0
    """Seconds after which an answer is given up that comes drop by drop."""


@dataclass(frozen=True, slots=True)
class GitSettings:
    """One Git remote, and how we sign what we write to it."""

    url: str
    """``https://``, ``ssh://``, ``git@host:path``, ``file://`` or a path.

    ``http://`` on loopback, or with ``insecure``.
    """

    branch: str | None = None
    """The branch to read and push; None: the remote's HEAD."""

    author_name: str = "reconcile"
    """Committer of our commits, and their author where no person is."""

    author_email: str = "reconcile@localhost"
    """Their address."""

    on_behalf_of: str | None = None
    """The author of commits that a person asks for, ``Name <address>``; None: the committer."""

    commit_template: Path | None = None
    """A template for the messages of commits that change images; None: our own words."""

    commit_links: bool = False
    """Whether images are asked where they come from, for links in messages."""

    ci_skip: str = ""
    """What keeps CI from building our commits, as a text on the first line; empty: nothing."""

    signs_off: bool = False
    """Whether the committer signs commits off (``Signed-off-by``)."""

    username: str | None = None
    """Who we are for the remote, where it asks; tokens go with any name at most forges."""

    password_file: Path | None = None
    """A file that holds the password or token, read anew whenever the remote asks."""

    ca_file: Path | None = None
    """A CA bundle for the remote; None: the system's."""

    ssh_key_file: Path | None = None
    """The private key for an ``ssh://`` remote; None: the keys of the SSH agent."""

    known_hosts_file: Path | None = None
    """The host keys to trust, as in ``known_hosts``; None: those of the user and the system."""

    push_options: tuple[str, ...] = ()
    """What the remote is told along with each push, one line each; its own to understand."""

    signing_key_file: Path | None = None
    """The private key that signs our commits, of SSH or OpenPGP; None: they are not signed."""

    signing_format: str | None = None
    """``ssh`` or ``openpgp``; None: that of the key."""

    signing_passphrase_file: Path | None = None
    """A file whose first line opens that key; None: nothing is needed."""

    insecure: bool = False
    """Permit plain HTTP to hosts other than loopback."""

    push_branch: str | None = None
    """Another branch to push to, which is ours to move; None: the one that is read."""

    read_only: bool = False
    """Push nothing."""

    history: int = 1000
    """Commits to fetch (without file contents)."""

    timeout_s: float = 120.0
    """Seconds after which one Git command is given up; a fetch gets five times as long."""


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """What is done by the API of the forge that a remote is at."""

    kind: str | None = None
    """``github``, ``gitlab`` or ``gitea`` (Forgejo too); None: as the remote's host tells."""

    api_url: str | None = None
    """Where the API begins; None: where forges of that kind have it."""

    token_file: Path | None = None
    """A file that holds the token, read anew each time; None: the remote's password file."""

    has_requests: bool = False
    """Whether proposals are shown as pull or merge requests."""

    has_statuses: bool = False
    """Whether the commit that was synced gets a status."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which cluster, and where in it our state lives."""

    kubeconfig: Path | None = None
    """A kubeconfig file; None: in-cluster, then ``$KUBECONFIG`` and ``~/.kube/config``."""

    context: str | None = None
    """A context of the kubeconfig; None: its current one."""

    namespace: str = "reconcile"
    """The namespace of the state objects."""

    default_namespace: str = "default"
    """The namespace of namespaced objects that name none."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """What a sync may do."""

    prune: bool = True
    """Delete what left Git."""

    prune_allow: str | None = None
    """A revision for which a prune over the budget is permitted."""

    take_over: tuple[str, ...] = ()
    """Field managers whose fields are taken where Git has them too."""

    wait: bool = True
    """Wait until what was applied is healthy."""

    timeout_s: float = 300.0
    """Seconds to wait for that."""

    dry_run: bool = False
    """Change nothing; say what would change."""


FOLDER_PREFIX = "local-"
"""So begin the names of sources that are folders, and no others: a folder that is applied can take
no Git source's inventory."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source: a Git repository, branch and set of paths, with a name."""

    name: str
    """What its state object and log lines are called."""

    git: GitSettings
    """The remote."""

    sync: SyncSettings
    """What its sync may do."""

    forge: ForgeSettings = field(default_factory=ForgeSettings)
    """What is done by the API of the remote's forge."""

    paths: tuple[str, ...] = ()
    """Folders of the repository to manage; empty: all of it."""

    is_updated: bool = True
    """Whether images are updated in Git."""

    is_synced: bool = True
    """Whether manifests are synced to the cluster."""

    default_namespace: str = "default"
    """The namespace of namespaced objects that name none."""

    service_account: ServiceAccount | None = None
    """Whom we act as where it is about the source's objects; None: nobody else."""

    variables: tuple[VariableSource, ...] = ()
    """What is filled into manifests for ``${NAME}``; empty: nothing is."""

    depends_on: tuple[str, ...] = ()
    """The sources that must be in sync and healthy before this one is synced."""

    notify: frozenset[Kind] = frozenset(Kind)
    """What is told of it."""

    interval_s: float = 300.0
    """Seconds between cycles when running continuously; up to a tenth less, at random."""

    sops_key_files: tuple[Path, ...] = ()
    """Files with the keys (age's, or SSH's) of manifests that SOPS has encrypted; empty: those are
    not applied."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Who may see the page, and use the API; by default nobody."""

    token_file: Path | None = None
    """A file with the token that admits people, read anew each time; None: there is none."""

    is_anonymous: bool = False
    """Whether everybody who can reach them is admitted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run needs to know."""

    sources: tuple[SourceSettings, ...]
    """What to keep current; at least one, names distinct, each after those that it depends on."""

    others: tuple[SourceSettings, ...] = field(default=(), kw_only=True)
    """The other sources of the file, which are left to other processes."""

    selection: tuple[str, ...] = field(default=(), kw_only=True)
    """The names that ``--source`` gave; empty: all."""

    registry: RegistrySettings
    """Registries, shared by all sources."""

    cluster: ClusterSettings
    """The cluster, shared by all sources."""

    data_dir: Path
    """Folder for clones and caches; may be deleted at any time."""

    dry_run: bool = False
    """Print what would change; change nothing."""

    output: str = "text"
    """``text`` or ``json``."""

    log_format: str | None = None
    """``text``, ``json``; None: text on a terminal, else json."""

    log_level: str | None = None
    """Least severe message to log; None: ``info`` when running continuously, else ``error``."""

    has_events: bool = True
    """Whether what happens to workloads is written beside them when running continuously."""

    listen: Address | None = field(default_factory=lambda: Address("", 8080))
    """Where health and metrics are served when running continuously; None: nowhere."""

    notify_url_file: Path | None = None
    """A file with the URL that is told what happens, read anew each time; None: nobody is told."""

    notify_secret_file: Path | None = None
    """A file with what signs that; None: it is not signed."""

    notify_apprise_file: Path | None = None
    """A file with the Apprise URLs that are told what happens, one a line; read anew each time."""

    webhook_secret_file: Path | None = None
    """A file with the secret that senders of webhooks know, read anew each time; None: there are no
    webhooks."""

    page: PageSettings = field(default_factory=PageSettings)
    """Who may see the page, and use the API."""

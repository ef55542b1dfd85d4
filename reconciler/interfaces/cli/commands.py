"""The table of commands: names, arguments and help."""

from collections.abc import Mapping

import click

from reconciler.interfaces.cli.command_group import CommandSpec

_POLICY_TEST = CommandSpec(
    summary="say what a policy picks from a list of tags",
    help="""Say what POLICY picks from a list of tags, and why not the others.

    POLICY is what an annotation would hold, such as 'semver:^1.2'; 'default' is the rule that holds
    where none is given, and needs --current. The tags are read one a line, each with what is known
    of its image, if anything: 'TAG 2024-06-03T10:00:00Z linux/amd64,linux/arm64'. Nothing is asked
    over a network.

    Exit codes: 0 also if nothing is picked; 2 an option or the file is wrong; 3 the policy cannot
    start from the current tag.

    \b
    Examples:
      reconcile policy test 'semver:^1.2' --current 1.2.0 --tags-file tags
      printf 'v3\\nv4\\n' | reconcile policy test default --current v3
      reconcile policy test numeric:asc --filter '^main-([0-9]+)-' --extract '$1' --tags-file tags
    """,
    module="policy_test",
    own=(
        click.Argument(["policy"]),
        click.Option(["--current"], metavar="TAG", help="the tag that stands in Git"),
        click.Option(
            ["pattern", "--filter"],
            metavar="RE",
            default="",
            help="look only at tags that this regular expression matches",
        ),
        click.Option(
            ["template", "--extract"],
            metavar="TEMPLATE",
            default="",
            help="order the text that $name or $1 of --filter make, in the tag's place",
        ),
        click.Option(
            ["--platforms"],
            metavar="LIST",
            default="",
            help="only images that have all of these: linux/amd64,linux/arm64",
        ),
        click.Option(
            ["--allow-downgrade"], is_flag=True, help="pick the policy's best even if it is lower"
        ),
        click.Option(
            ["--taken-back"],
            metavar="TAG[=COMMIT]",
            multiple=True,
            help="not this tag: somebody took it back in Git (repeatable)",
        ),
        click.Option(
            ["--tags-file"],
            metavar="FILE",
            type=click.Path(),
            default="-",
            help="the tags, one a line; - is standard input  [default: -]",
        ),
    ),
    shown=("output",),
)

_REGISTRIES = ("docker-config", "registry-insecure", "registry-ca-file")
_CLUSTER = ("kubeconfig", "context", "namespace", "default-namespace")
_FOLDER = click.Argument(["path"], type=click.Path())
_NAME = click.Option(
    ["--name"],
    metavar="NAME",
    help="of the folder's inventory  [default: from the path]",
)

_GIT = ("config", "git-url", "git-branch", "git-path")
_WORKLOAD_HELP = """WORKLOAD is NAMESPACE:KIND/NAME, as 'images' prints it; the namespace may be
        left out where only one has it."""

_REACHED = ("config", "kubeconfig", "context", "namespace")
_SOURCE = click.Argument(["which"], metavar="[SOURCE]", required=False)
_USER = click.Option(["--user"], metavar="NAME", help="who says so  [default: who runs this]")

_BY_HAND_OPTIONS = (
    click.Option(
        ["--message", "-m"], metavar="TEXT", help="the commit's first line, in place of ours"
    ),
    click.Option(["--user"], metavar="NAME", help="the commit's author: NAME or 'NAME <ADDRESS>'"),
)
_WISH_HELP = f"""The remote branch is read, edited in one commit and pushed. The annotation is
        written as the manifest writes others, under the prefix that it uses, and nothing else
        changes. Where all is so already, nothing is committed. {_WORKLOAD_HELP} Where it stands in
        several folders, --git-path chooses."""
_WISH_CODES = """Exit codes: 0 done, or so already; 1 something transient failed; 2 usage, settings,
        or no such workload; 3 a person must change something; 4 --dry-run shows a change."""


def _wish(
    module: str, summary: str, text: str, *, own: tuple[click.Parameter, ...] = (), example: str
) -> CommandSpec:
    """Return a command that edits annotations in Git."""
    return CommandSpec(
        summary=summary,
        help=f"""{text}

        {_WISH_HELP}

        {_WISH_CODES}

        \b
        Example:
          {example}
        """,
        module=module,
        own=(click.Argument(["workload"]), *own, *_BY_HAND_OPTIONS),
        shown=(*_GIT, "default-namespace", "dry-run", "output"),
    )


_POLICY_SET = _wish(
    "policy_set",
    "set how the tags of a workload's images are chosen, in Git",
    """Set how the tags of a workload's images are chosen.

        CONTAINER is a container's name, or * for all that have no policy of their own. POLICY is
        what an annotation would hold, such as 'semver:^1.2'; 'default' removes what is written.""",
    own=(click.Argument(["policies"], nargs=-1, required=True, metavar="CONTAINER=POLICY..."),),
    example="reconcile policy set web:deployment/nginx 'nginx=semver:^1.2' '*=minor'",
)

COMMANDS: Mapping[str, CommandSpec] = {
    "images": CommandSpec(
        summary="list every image with its policy, the newest tag and the verdict",
        help=f"""List every image in Git, automated or not, with the newest tag and the verdict.

        Git and the registries are read; nothing is changed. {_WORKLOAD_HELP}

        Exit codes: 0 also if there is something to update; 1 something transient failed; 2 usage,
        settings, or no such workload; 3 a person must change something.

        \b
        Examples:
          reconcile images --git-url https://git.example/acme/web
          reconcile images web:deployment/nginx -o json
        """,
        module="images",
        own=(click.Argument(["workload"], required=False),),
        shown=(*_GIT, *_REGISTRIES, "default-namespace", "output"),
    ),
    "explain": CommandSpec(
        summary="say for every tag of a workload's images why it is chosen or not",
        help=f"""Say for every tag of a workload's images whether it is chosen, or what rule turned
        it down.

        {_WORKLOAD_HELP}

        Exit codes: those of 'images'.

        \b
        Examples:
          reconcile explain web:deployment/nginx --git-url https://git.example/acme/web
          reconcile explain deployment/nginx sidecar -o json
          reconcile explain deployment/nginx sidecar --save-tags tags
        """,
        module="explain",
        own=(
            click.Argument(["workload"]),
            click.Argument(["container"], required=False),
            click.Option(
                ["--save-tags"],
                metavar="FILE",
                type=click.Path(),
                help="write the tags to a file by which 'policy test' says the same offline",
            ),
        ),
        shown=(*_GIT, *_REGISTRIES, "default-namespace", "output"),
    ),
    "history": CommandSpec(
        summary="list what commits of ours wrote, and what of it was taken back",
        help=f"""List what commits of ours wrote, the newest first: when, which image, by whom, and
        what became of it. A tag that was taken back is not chosen again.

        Git alone is read: the trailers of its commits. {_WORKLOAD_HELP}

        Exit codes: 0; 1 something transient failed; 2 usage, settings, or there is and was no such
        workload; 3 a person must change something.

        \b
        Examples:
          reconcile history --git-url https://git.example/acme/web
          reconcile history web:deployment/nginx -o json
        """,
        module="history",
        own=(click.Argument(["workload"], required=False),),
        shown=(*_GIT, "git-history", "output"),
    ),
    "update": CommandSpec(
        summary="give the manifests of a local folder new tags; a diff unless --write",
        help="""Give the images of a local folder's manifests new tags, as a cycle would.

        PATH is a folder or one manifest. No Git and no cluster is asked. Without --write, the
        change is printed as a diff that 'patch -p1' and 'git apply' take; with it, the files are
        replaced, all or none, and keep their modes. Links are not followed.

        Exit codes: 0 nothing to change, or written; 1 a registry failed; 2 PATH or file are wrong;
        3 a person must change something; 4 changes are pending.

        \b
        Examples:
          reconcile update deploy
          reconcile update deploy/web.yaml --tags-file tags --write
        """,
        module="update",
        own=(
            _FOLDER,
            click.Option(
                ["--tags-file"],
                metavar="FILE",
                type=click.Path(),
                help="tags, one a line, that stand for every repository; - is standard input",
            ),
            click.Option(["--write"], is_flag=True, help="write the files"),
        ),
        shown=(*_REGISTRIES, "default-namespace", "output"),
    ),
    "lint": CommandSpec(
        summary="say what is wrong with the manifests of a local folder, for CI and pre-commit",
        help="""Say what is wrong with the manifests of a local folder, or hardly meant.

        PATH is a folder or one manifest; of one manifest alone, what others say of it is not known.
        What a cycle would refuse is found: unknown annotations and containers, bad policies,
        markers that name no policy, objects that stand twice; and what hardly does what was meant:
        images without a tag, automated images that nothing can update, annotations in a pod
        template. Nothing is asked over a network.

        Exit codes: 0 nothing found; 2 PATH or an option is wrong; 3 something found.

        \b
        Examples:
          reconcile lint deploy
          reconcile lint . --ignore no-tag --github
          reconcile lint deploy/web.yaml -o json
        """,
        module="lint",
        own=(
            _FOLDER,
            click.Option(
                ["--ignore"],
                metavar="RULE",
                multiple=True,
                help="leave out what a rule finds, by the word in brackets; may be repeated",
            ),
            click.Option(["--github"], is_flag=True, help="print annotations of GitHub Actions"),
        ),
        shown=("default-namespace", "output"),
    ),
    "diff": CommandSpec(
        summary="show what a sync would change in the cluster",
        help="""Show what a sync of the remote branches would change in the cluster; change nothing.

        With PATH: what 'apply PATH' would change. The API server is asked by dry runs; what it and
        admission webhooks fill in is left out, and values of Secrets are masked.

        Exit codes: 0 in sync; 1 something transient failed; 2 usage or settings; 3 a person must
        change something; 4 changes are pending.
        """,
        module="diff",
        own=(click.Argument(["path"], type=click.Path(), required=False), _NAME),
        shown=(*_GIT, *_CLUSTER, "prune", "output", "color"),
    ),
    "apply": CommandSpec(
        summary="sync a local folder to the cluster, as a source of its own",
        help="""Sync a local folder to the cluster, as a source of its own.

        PATH is a folder or one manifest. What was applied from it is remembered in the cluster
        under a name, and what has left it since is deleted, under the same guards as in a cycle.
        The name is made from the path; give --name where the same manifests are applied from
        several places. The revision is a hash of the manifests.

        Exit codes: as of 'reconcile --once'.
        """,
        module="apply",
        own=(_FOLDER, _NAME),
        shown=(*_CLUSTER, "prune", "prune-allow", "wait", "timeout", "dry-run", "output"),
    ),
    "health": CommandSpec(
        summary="say how given objects are doing",
        help="""Say how the objects in FILE are doing, by the rules of kstatus.

        FILE holds YAML or JSON, lists too: what 'kubectl get -o yaml' prints; - is standard input.
        Nothing is asked over a network.

        \b
        Example:
          kubectl get deployments,pods -o yaml | reconcile health -

        Exit codes: 0 all are Current; 1 some are not yet; 2 FILE cannot be read; 3 some have
        failed, or are no objects.
        """,
        module="health",
        own=(click.Argument(["file"], type=click.Path(allow_dash=True)),),
        shown=("output",),
    ),
    "doctor": CommandSpec(
        summary="try the access to Git, cluster and registries, with the remedy for what fails",
        help="""Try the access to Git, the cluster and registries step by step, and say for what
        fails why, and what mends it.

        For each source: its key, the remote, the branch and folders, and a push that is left
        undone; and, if it is synced, the rights for what its manifests hold, and its memory. For
        each registry: its name, a connection, TLS, its API; for each repository: whose login is
        taken, the list of tags, one image, and what is left of a limit. Mirrors are tried too.
        Nothing is changed, and each step is tried once.

        SUBJECT is an image, such as ghcr.io/acme/web:1.2, or a registry's host. They are tried with
        the logins of the docker config. Without any, the branches are read, and their images are
        tried with their workloads' pull secrets too.

        Exit codes: 0 all is well, or only warnings; 1 what failed may pass by itself; 2 usage or
        settings; 3 a person must change something.

        \b
        Examples:
          reconcile doctor --git-url https://git.example/acme/web
          reconcile doctor ghcr.io/acme/web:1.2 registry.example:5000
          reconcile doctor docker.io -o json
        """,
        module="doctor",
        own=(click.Argument(["subjects"], nargs=-1, metavar="[SUBJECT]..."),),
        shown=(
            *_GIT,
            *("git-ssh-key-file", "git-known-hosts-file", "git-username", "git-password-file"),
            *_REGISTRIES,
            "registry-cloud",
            *_CLUSTER,
            *("service-account", "sync", "output"),
        ),
    ),
    "release": CommandSpec(
        summary="give a workload an image that you choose, in Git",
        help=f"""Give a workload an image that you choose, whatever its policy would.

        IMAGE is IMAGE:TAG as the manifest writes it, or :TAG alone where the workload runs one
        image; @DIGEST may follow. Where the manifest has a digest it moves with the tag. The
        registry must have the image. A tag that was taken back may be chosen again after it was
        released. --force releases to a workload that is locked, what its policy does not admit, and
        what the registry cannot be asked about.

        The remote branch is read, edited in one commit and pushed; nothing but the image changes.
        Where all is so already, nothing is committed. {_WORKLOAD_HELP} Where it stands in several
        folders, --git-path chooses.

        {_WISH_CODES}

        \b
        Examples:
          reconcile release web:deployment/nginx --update-image registry.example/acme/nginx:v3
          reconcile release deployment/nginx --update-image :v3 -m 'Back to v3: #17' --user Jane
        """,
        module="release",
        own=(
            click.Argument(["workload"]),
            click.Option(
                ["--update-image"], metavar="IMAGE", required=True, help="IMAGE:TAG, or :TAG alone"
            ),
            click.Option(
                ["--container"],
                metavar="NAME",
                multiple=True,
                help="only that container's image; may be repeated",
            ),
            click.Option(
                ["--force"], is_flag=True, help="whatever locks and policies say, even unseen"
            ),
            *_BY_HAND_OPTIONS,
        ),
        shown=(*_GIT, *_REGISTRIES, "default-namespace", "dry-run", "output"),
    ),
    "automate": _wish(
        "automate",
        "have a workload's images updated, in Git",
        """Have a workload's images updated. A lock stays, as with fluxctl.""",
        example="reconcile automate web:deployment/nginx -m 'Keep nginx current'",
    ),
    "deautomate": _wish(
        "deautomate",
        "have a workload's images updated no more, in Git",
        """Have a workload's images updated no more.""",
        example="reconcile deautomate web:deployment/nginx",
    ),
    "lock": _wish(
        "lock",
        "keep a workload's images as they are, in Git",
        """Keep a workload's images as they are until it is unlocked. --user and --message are
        written beside the lock.""",
        example="reconcile lock web:deployment/nginx --user jane -m 'Waits for the migration'",
    ),
    "unlock": _wish(
        "unlock",
        "take a workload's lock away, in Git",
        """Take a workload's lock away, with who locked it and why.""",
        example="reconcile unlock web:deployment/nginx",
    ),
    "template": CommandSpec(
        summary="show what a commit template makes of sample changes",
        help="""Show the whole message that a commit template makes of sample changes.

        FILE is a template; - is standard input; without it, that of --git-commit-template, or else
        our own words. The trailers, and what other settings add, are shown too. Nothing is asked
        over a network.

        Exit codes: 0; 2 FILE is no template, or fails; the line is named.

        \b
        Examples:
          reconcile template commit.j2
          reconcile template --git-sign-off --git-ci-skip
        """,
        module="template",
        own=(click.Argument(["file"], type=click.Path(allow_dash=True), required=False),),
        shown=(
            "config",
            "git-user",
            "git-email",
            "git-commit-template",
            "git-ci-skip",
            "git-ci-skip-message",
            "git-sign-off",
            "output",
        ),
    ),
    "policy": CommandSpec(
        summary="try policies, and set those of a workload",
        help="Try policies, and set those of a workload.",
        commands={"test": _POLICY_TEST, "set": _POLICY_SET},
    ),
    "sync": CommandSpec(
        summary="ask the running reconciler for a cycle now, and follow it",
        help="""Ask the running reconciler for a cycle of SOURCE now; follow it to health.

        It is asked through the API server: nothing else must be reachable. SOURCE may be left out
        where there is only one.

        Exit codes: as of a cycle (0 in sync, 1 transient, 3 stalled); 1 also if nobody answers;
        2 usage, settings, or no such source.

        \b
        Examples:
          reconcile sync --namespace reconcile
          reconcile sync shop
        """,
        module="sync",
        own=(_SOURCE, _USER),
        shown=(*_REACHED, "timeout"),
    ),
    "status": CommandSpec(
        summary="show how the sources in a cluster stand",
        help="""Show how the sources stand whose state a namespace holds: ready or not and why, the
        revision that is applied, and whether somebody has suspended them.

        Exit codes: 0 all are ready or suspended; 1 one is not, and may become so; 2 usage,
        settings, or no such source; 3 a person must change something.

        \b
        Examples:
          reconcile status
          reconcile status shop -o json
        """,
        module="status",
        own=(_SOURCE,),
        shown=(*_REACHED, "output"),
    ),
    "suspend": CommandSpec(
        summary="leave a source alone: no commits, no syncs",
        help="""Leave SOURCE alone, whoever runs: no commits and no syncs until it is resumed. Who
        and why is kept in the cluster and shown wherever the source is. A cycle that runs ends as
        it would. SOURCE may be left out where there is only one.

        Exit codes: 0; 1 the cluster did not answer; 2 usage, settings, or no such source;
        3 denied.

        \b
        Example:
          reconcile suspend shop -m 'Waits for the migration'
        """,
        module="suspend",
        own=(
            _SOURCE,
            click.Option(["--message", "-m"], metavar="TEXT", help="why, for others to read"),
            _USER,
        ),
        shown=_REACHED,
    ),
    "resume": CommandSpec(
        summary="let a source go on that was suspended",
        help="""Let SOURCE go on; the running reconciler has a cycle of it at once.

        Exit codes: 0 done, or it was not suspended; 1 the cluster did not answer; 2 usage,
        settings, or no such source; 3 denied.

        \b
        Example:
          reconcile resume shop
        """,
        module="resume",
        own=(_SOURCE,),
        shown=_REACHED,
    ),
    "install": CommandSpec(
        summary="install the reconciler in a cluster, or print its manifests",
        help="""Install the reconciler in a cluster, with the settings that are given here, in the
        environment and in the file of --config; or change what differs.

        Everything is looked at before anything is touched: settings, rights, and what the API
        server would decline. A file that an option names goes into a Secret, unless it is below
        /etc/reconcile, where the pod has its files. For an SSH remote a deploy key is made in the
        cluster, if there is none; it is shown to nobody, and its public half is printed.

        Exit codes: 0 installed, and ready; 1 not ready in time, or the cluster did not answer;
        2 usage or settings; 3 rights are missing, or the cluster declined; 4 --dry-run shows a
        change.

        \b
        Examples:
          reconcile install --image registry.example/acme/reconcile:0.1.0 --manage web \\
              --git-url git@github.com:acme/web --git-known-hosts-file known_hosts
          reconcile install --config reconcile.yaml --image … --manage web --export > all.yaml
        """,
        module="install",
        own=(
            click.Option(
                ["--image"], metavar="IMAGE", required=True, help="the reconciler's, with a tag"
            ),
            click.Option(
                ["manages", "--manage"],
                metavar="NAMESPACE",
                multiple=True,
                help="a namespace that it may manage; may be repeated",
            ),
            click.Option(
                ["tenants", "--tenant"],
                metavar="NAMESPACE",
                multiple=True,
                help="a namespace with a ServiceAccount 'deployer' for a source; may be repeated",
            ),
            click.Option(
                ["is_cluster_wide", "--cluster-wide"], is_flag=True, help="all namespaces"
            ),
            click.Option(["is_admin", "--admin"], is_flag=True, help="everything in the cluster"),
            click.Option(
                ["syncs_secrets", "--sync-secrets"], is_flag=True, help="Secrets in Git, too"
            ),
            click.Option(
                ["is_adopting", "--adopt"],
                is_flag=True,
                help="make objects install's own that are there already",
            ),
            click.Option(
                ["is_export", "--export"], is_flag=True, help="print the manifests; ask no cluster"
            ),
            click.Option(
                ["is_detached", "--detach"], is_flag=True, help="do not wait until it is ready"
            ),
            click.Option(
                ["--ready-timeout"],
                metavar="DURATION",
                default="3m",
                show_default=True,
                help="how long to wait for that",
            ),
        ),
        shown=(
            *_GIT,
            *("git-ssh-key-file", "git-known-hosts-file", "git-username", "git-password-file"),
            *("docker-config", "kubeconfig", "context", "namespace", "dry-run", "output"),
        ),
    ),
    "uninstall": CommandSpec(
        summary="remove what install made, and leave what was synced",
        help="""Remove what 'install' made, and the memory of its sources. What was synced stays,
        and runs on; so does everything that somebody else has made.

        The namespace goes if install made it and nothing else is in it. It is asked before
        anything is removed, and each object is told.

        Exit codes: 0 removed; 1 the cluster did not answer, or pods do not end; 2 usage, or nobody
        to be asked; 3 nothing was installed there, or denied; 4 --dry-run shows what would go;
        130 whoever was asked said no.

        \b
        Examples:
          reconcile uninstall --dry-run
          reconcile uninstall --namespace tools --yes
        """,
        module="uninstall",
        own=(
            click.Option(["is_sure", "--yes"], is_flag=True, help="do not ask"),
            click.Option(
                ["deletes_namespace", "--delete-namespace"],
                is_flag=True,
                help="delete a namespace that install made with all that is in it",
            ),
        ),
        shown=(*_REACHED, "dry-run", "output"),
    ),
    "identity": CommandSpec(
        summary="print the public SSH key that the reconciler uses",
        help="""Print the public half of the SSH key by which the reconciler reaches Git, for the
        deploy keys of the repository; where to enter it is said on standard error.

        The private half is read from the file of --git-ssh-key-file, else from the Secret 'git' of
        the reconciler's namespace; it is not shown.

        Exit codes: 0; 1 the cluster did not answer; 2 usage, settings, or no key that can be used;
        3 there is no key, or denied.

        \b
        Examples:
          reconcile identity
          reconcile identity --git-ssh-key-file identity --git-url git@github.com:acme/web
        """,
        module="identity",
        shown=(*_REACHED, "git-url", "git-ssh-key-file", "git-forge", "output"),
    ),
    "webhooks": CommandSpec(
        summary="show which URLs registries and forges are to be given",
        help="""Show the URL for each registry and forge, and how it proves who it is.

        The URLs of Docker Hub and Quay hold a key made of the secret: who knows one can ask for a
        cycle, and no more. Nothing is asked over a network.

        Exit codes: 0; 2 there is no secret, or it cannot be used.

        \b
        Examples:
          openssl rand -hex 32 > secret
          reconcile webhooks --webhook-secret-file secret --base-url https://reconcile.example
        """,
        module="webhooks",
        own=(
            click.Option(
                ["--base-url"],
                metavar="URL",
                default="http://reconcile.reconcile",
                show_default=True,
                help="where senders reach what listens",
            ),
        ),
        shown=("config", "webhook-secret-file", "output"),
    ),
    "completion": CommandSpec(
        summary="print the script by which a shell completes commands and options",
        help="""Print the script by which a shell completes commands, options and their choices.

        \b
        bash:  echo 'source <(reconcile completion bash)' >> ~/.bashrc
        zsh:   echo 'source <(reconcile completion zsh)' >> ~/.zshrc
        fish:  reconcile completion fish > ~/.config/fish/completions/reconcile.fish
        """,
        module="completion",
        own=(click.Argument(["shell"], type=click.Choice(("bash", "zsh", "fish"))),),
    ),
}

from collections.abc import Mapping

import pytest

from reconciler.configuration import read_settings
from reconciler.errors import SettingsError
from reconciler.options import OPTIONS, parse_duration_s
from reconciler.settings import Settings

URL = "https://git.example/acme/web"


def read(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Mapping[str, object] | None = None,
) -> Settings:
    given = {"git-url": URL} if flags is None else flags
    return read_settings(
        flags=given, environment=environment or {}, file=file, file_name="config.yaml"
    )


def problems(**layers: Mapping[str, object]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        read(**layers)  # type: ignore[arg-type]  # the environment is given as texts
    return str(raised.value).splitlines()


def test_the_defaults_are_those_of_the_table() -> None:
    (source,) = read().sources

    assert source.name == "default"
    assert source.git.branch is None
    assert source.git.author_name == "reconcile"
    assert source.is_updated
    assert source.is_synced
    assert source.sync.prune
    assert source.sync.timeout_s == 300


def test_flag_beats_environment_beats_file_beats_default() -> None:
    file = {"git-branch": "file", "git-user": "file", "git-email": "file@example"}
    environment = {"RECONCILE_GIT_BRANCH": "environment", "RECONCILE_GIT_USER": "environment"}

    (source,) = read({"git-url": URL, "git-branch": "flag"}, environment, file).sources

    assert source.git.branch == "flag"
    assert source.git.author_name == "environment"
    assert source.git.author_email == "file@example"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param({}, "", id="neither"),
        pytest.param({"git-ci-skip": True}, "[ci skip]", id="switch"),
        pytest.param({"git-ci-skip-message": "[skip ci]"}, "[skip ci]", id="text"),
    ],
)
def test_ci_is_skipped_by_a_switch_or_by_a_text(flags: dict[str, object], expected: str) -> None:
    (source,) = read({"git-url": URL, **flags}, {}).sources

    assert source.git.ci_skip == expected


@pytest.mark.parametrize("text", ["a\nReconcile-By: x", " ", "x" * 101])
def test_what_skips_ci_is_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match="is no line of up to 100 characters"):
        read({"git-url": URL, "git-ci-skip-message": text}, {})


def test_each_source_of_the_file_has_its_own_keys_and_shares_the_rest() -> None:
    file = {
        "git-user": "robot",
        "sources": [
            {"name": "shop", "git-url": URL, "git-path": ["deploy", "base"], "prune": False},
            {"name": "blog", "git-url": "https://git.example/acme/blog"},
        ],
    }

    shop, blog = read({}, {}, file).sources

    assert (shop.name, shop.paths, shop.sync.prune) == ("shop", ("deploy", "base"), False)
    assert (blog.name, blog.paths, blog.sync.prune) == ("blog", (), True)
    assert shop.git.author_name == blog.git.author_name == "robot"


def test_flag_and_environment_beat_the_keys_of_a_source() -> None:
    file = {"sources": [{"name": "shop", "git-url": URL, "git-branch": "file", "prune": True}]}

    (shop,) = read({"git-branch": "flag"}, {"RECONCILE_PRUNE": "false"}, file).sources

    assert shop.git.branch == "flag"
    assert not shop.sync.prune


def test_lists_are_separated_by_commas_in_the_environment() -> None:
    settings = read(None, {"RECONCILE_GIT_PATH": "a, b,"})

    assert settings.sources[0].paths == ("a", "b")


@pytest.mark.parametrize("given", [("aws", "gcp"), ("aws,gcp",), ("gcp, aws",)])
def test_clouds_may_be_repeated_or_separated_by_commas(given: tuple[str, ...]) -> None:
    flags = {"git-url": URL, "registry-cloud": given}

    assert read(flags).registry.clouds == {"aws", "gcp"}


def test_a_cloud_that_is_not_known_is_told_with_those_that_are() -> None:
    (problem,) = problems(flags={"git-url": URL, "registry-cloud": ("ecr",)})

    assert problem == "--registry-cloud: 'ecr' is none of aws, gcp, azure"


def test_variables_that_kubernetes_sets_for_a_service_of_our_name_are_ignored() -> None:
    read(None, {"RECONCILE_PORT": "tcp://10.0.0.1:80", "RECONCILE_SERVICE_HOST": "10.0.0.1"})


SHARED = {
    "git-url": URL,
    "sources": [
        {"name": "app", "depends-on": ["base"]},
        {"name": "base"},
        {"name": "docs", "sync": False},
        {"name": "site", "depends-on": ["docs"]},
    ],
}


def test_a_process_works_on_the_sources_that_are_named_and_knows_the_others() -> None:
    everything = read({}, file=SHARED)
    assert [each.name for each in everything.sources] == ["base", "docs", "app", "site"]
    assert everything.others == ()

    some = read({"source": ("app", "docs")}, file=SHARED)
    assert [each.name for each in some.sources] == ["docs", "app"]
    assert [each.name for each in some.others] == ["base", "site"]
    (one,) = read({}, {"RECONCILE_SOURCE": "base"}, SHARED).sources
    assert one.name == "base"
    (only,) = read({"git-url": URL, "source": ("default",)}).sources
    assert only.name == "default"


def test_sources_that_nobody_can_work_on_are_told() -> None:
    told = problems(flags={"source": ("bsae", "nothing", "site")}, file=SHARED)

    alone, *unknown = told
    assert unknown == [
        "--source: no source 'bsae' among app, base, docs, site; did you mean 'base'?",
        "--source: no source 'nothing' among app, base, docs, site",
    ]
    assert alone.startswith("source 'site' depends on 'docs', which is not synced: both must be ")


def test_a_page_for_everybody_has_no_token() -> None:
    flags = {"git-url": URL, "page-anonymous": True}
    assert read(flags).page.is_anonymous

    told = problems(flags={**flags, "page-token-file": "token"})

    assert told == ["--page-anonymous: everybody is admitted: drop --page-token-file"]


def test_a_missing_remote_is_told_with_the_ways_to_give_it() -> None:
    (problem,) = problems(flags={})

    ways = "--git-url, RECONCILE_GIT_URL or the key git-url of --config"
    assert problem == f"no Git remote given: use {ways}"


def test_all_problems_are_told_at_once_with_their_places() -> None:
    found = problems(
        flags={"git-url": URL, "timeout": "soon"},
        environment={"RECONCILE_PRUNE": "maybe"},
        file={"git-brnach": "main", "output": "xml", "git-path": {"a": 1}},
    )

    assert found == [
        "config.yaml: git-brnach: unknown key; did you mean 'git-branch'?",
        "config.yaml: output: 'xml' is none of text, json",
        "config.yaml: git-path: must be a list of texts",
        "RECONCILE_PRUNE: 'maybe' is neither true nor false",
        "--timeout: 'soon' is no duration; write 90s, 5m or 1h30m",
    ]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        pytest.param(
            {"sources": "shop"}, "config.yaml: sources: must be a list of mappings", id="no-list"
        ),
        pytest.param(
            {"sources": [{"name": "a"}, {"name": "a"}]},
            "config.yaml: two sources are named 'a'",
            id="twice",
        ),
        pytest.param(
            {"sources": [{"name": "A b"}]},
            "'A b' is no source name: lower-case letters, digits and '-', up to 50",
            id="name",
        ),
        pytest.param(
            {"sources": [{"name": "local-shop"}]},
            "'local-shop' is no name of a source here: those of folders ('apply') begin so",
            id="name-of-a-folder",
        ),
        pytest.param(
            {"sources": [{"name": "a", "kubeconfig": "x"}]},
            "config.yaml: sources[a]: kubeconfig: unknown key",
            id="not-per-source",
        ),
        pytest.param({"git-user": None}, "config.yaml: git-user: must be a text", id="empty"),
        pytest.param(
            {"git-history": 0}, "config.yaml: git-history: 0 is no whole number above 0", id="zero"
        ),
        pytest.param(
            {"git-history": "9" * 5000},
            "config.yaml: git-history: '99999999999999999999'… is more than 999,999,999",
            id="more-than-python-reads",
        ),
    ],
)
def test_a_wrong_file_is_explained(file: Mapping[str, object], problem: str) -> None:
    found = problems(flags={"git-url": URL}, file=file)

    assert any(line.startswith(problem) for line in found), found


def test_a_source_without_a_remote_is_named() -> None:
    found = problems(flags={}, file={"sources": [{"name": "shop"}]})

    ways = "--git-url, RECONCILE_GIT_URL or the key git-url of --config"
    assert found == [f"source 'shop': no Git remote given: use {ways}"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        pytest.param({"git-url": "/\udcff"}, "--git-url: '/\\udcff' is not UTF-8", id="text"),
        pytest.param({"git-path": ("\udcff",)}, "--git-path: '\\udcff' is not UTF-8", id="list"),
        pytest.param({"git-branch": "a\0"}, "--git-branch: 'a\\x00' holds a zero byte", id="zero"),
        pytest.param({"data-dir": "a\0"}, "--data-dir: 'a\\x00' holds a zero byte", id="path"),
        pytest.param({"git-branch": ""}, "--git-branch: is empty", id="empty"),
        pytest.param(
            {"registry-insecure": ("http://a:5000",)},
            "--registry-insecure: 'http://a:5000' is no host: write HOST or HOST:PORT",
            id="url-for-a-host",
        ),
    ],
)
def test_what_cannot_be_handed_on_is_refused(flags: Mapping[str, object], problem: str) -> None:
    assert problems(flags={"git-url": URL, **flags})[:1] == [problem]


def test_a_path_may_be_in_any_encoding() -> None:
    assert str(read({"git-url": URL, "data-dir": "\udcff"}).data_dir) == "\udcff"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("90s", 90, id="seconds"),
        pytest.param("5m", 300, id="minutes"),
        pytest.param("1h30m", 5400, id="both"),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "0s", "m", "5 m", "-5m", "1m1h", "9" * 50 + "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_duration_s(text)


def test_no_two_options_share_a_name_a_key_or_a_variable() -> None:
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)
    assert len({option.variable for option in OPTIONS}) == len(OPTIONS)
    assert all(option.choices for option in OPTIONS if option.kind.value == "CHOICE")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":8080", ":8080"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("localhost:9090", "localhost:9090"),
        ("[::1]:8080", "[::1]:8080"),
        ("[fe80::1%eth0]:80", "[fe80::1%eth0]:80"),
        ("off", "None"),
    ],
)
def test_an_address_to_listen_on_is_read(text: str, shown: str) -> None:
    assert (
        str(read(environment={"RECONCILE_LISTEN": text, "RECONCILE_GIT_URL": URL}, flags={}).listen)
        == shown
    )


def test_off_in_a_file_is_off_though_yaml_calls_it_false() -> None:
    assert read(file={"git-url": URL, "listen": False}, flags={}).listen is None


@pytest.mark.parametrize("text", ["8080", "::1:8080", "[::1]", "x:65536", "a b:1", "x:-1", "[x]:1"])
def test_what_is_no_address_to_listen_on_is_told(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"git-url": URL, "listen": text})

    assert caught.value.message == (
        f"--listen: {text!r} is no address; write :8080, 127.0.0.1:8080, [::1]:8080 or off"
    )


def test_the_files_registries_stand_beside_the_options_for_all() -> None:
    file = {
        "registry-insecure": ["a.example"],
        "registries": [{"host": "b.example", "insecure": True}, {"host": "c.example"}],
    }

    settings = read(None, {}, file)

    assert settings.registry.insecure_hosts == {"a.example", "b.example"}
    assert [each.host for each in settings.registry.hosts] == ["b.example", "c.example"]


def test_problems_of_registries_are_told_with_all_others() -> None:
    file = {"registries": [{"host": "b.example", "nothing": 1}], "git-histroy": 1, "registry": []}

    assert problems(file=file) == [
        "config.yaml: git-histroy: unknown key; did you mean 'git-history'?",
        "config.yaml: registry: unknown key; did you mean 'registries'?",
        "config.yaml: registries[b.example]: nothing: unknown key",
    ]


def shared(one: Mapping[str, object], other: Mapping[str, object]) -> Mapping[str, object]:
    """Return a file with two sources of one repository."""
    first = {"name": "shop", "git-url": URL, **one}
    return {"sources": [first, {"name": "blog", "git-url": URL, **other}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"git-push-branch": "x"}, {"git-push-branch": "x"}, id="by-force"),
        pytest.param({"git-push-branch": "x"}, {"git-branch": "x"}, id="what-the-other-reads"),
        pytest.param({"git-branch": "x"}, {"git-push-branch": "x"}, id="what-the-first-reads"),
    ],
)
def test_two_sources_that_would_move_one_branch_are_refused(
    one: Mapping[str, object], other: Mapping[str, object]
) -> None:
    (problem,) = problems(flags={}, file=shared(one, other))
    assert problem == (
        "config.yaml: sources 'shop' and 'blog' both push to the branch 'x': "
        "give each a git-push-branch of its own"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            {"git-push-branch": "x"}, {"git-push-branch": "y"}, id="branches-of-their-own"
        ),
        pytest.param({"git-branch": "x"}, {"git-branch": "x"}, id="neither-by-force"),
        pytest.param({}, {}, id="neither-named"),
        pytest.param(
            {"git-push-branch": "x"}, {"git-branch": "x", "update": False}, id="only-synced"
        ),
        pytest.param(
            {"git-push-branch": "x"}, {"git-branch": "x", "git-read-only": True}, id="only-read"
        ),
        pytest.param(
            {"git-push-branch": "x"},
            {"git-push-branch": "x", "git-url": "https://git.example/acme/blog"},
            id="of-two-repositories",
        ),
    ],
)
def test_sources_that_do_not_meet_on_a_branch_are_fine(
    one: Mapping[str, object], other: Mapping[str, object]
) -> None:
    assert len(read({}, file=shared(one, other)).sources) == 2


def test_a_request_needs_a_branch_of_its_own() -> None:
    assert problems(flags={"git-url": URL, "git-pull-request": True}) == [
        "--git-pull-request needs --git-push-branch: what is to be merged"
    ]
    file = {"sources": [{"name": "shop", "git-url": URL, "git-pull-request": True}]}
    assert problems(flags={}, file=file) == [
        "source 'shop': --git-pull-request needs --git-push-branch: what is to be merged"
    ]


def test_a_forge_that_nobody_knows_is_told_with_those_that_are() -> None:
    (problem,) = problems(flags={"git-url": URL, "git-forge": "sourcehut"})

    assert "github" in problem
    assert "gitea" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("deployer", "tools/deployer", id="in our namespace"),
        pytest.param("web/deployer", "web/deployer", id="in its own"),
        pytest.param("web/team.deployer-2", "web/team.deployer-2", id="a name with dots"),
    ],
)
def test_a_service_account_is_named_with_its_namespace_or_without(text: str, expected: str) -> None:
    flags = {"git-url": URL, "service-account": text, "namespace": "tools"}

    account = read(flags).sources[0].service_account

    assert str(account) == expected
    assert account is not None
    assert account.user == f"system:serviceaccount:{expected.replace('/', ':')}"


@pytest.mark.parametrize(
    "text",
    [
        "web/deployer\r\nImpersonate-Group: system:masters",
        "web/deployer\n",
        "web:x/deployer",
        "web/deployer:admin",
        "web/a/b",
        "/deployer",
        "web/",
        "web/..",
        "web/.",
        "web.x/deployer",
        "Web/deployer",
        "web/déployeur",
        "web/-deployer",
        "web/%0d%0a",
        "web/a..b",
        " ",
        f"{'a' * 64}/deployer",
        f"web/{'a' * 254}",
        "*",
    ],
)
def test_what_no_service_account_is_called_is_refused(text: str) -> None:
    (told,) = problems(flags={"git-url": URL, "service-account": text})

    assert told.startswith("--service-account: ")
    assert told.endswith(" is no ServiceAccount: write NAMESPACE/NAME or NAME")
    assert told.isprintable()


def test_each_source_may_act_as_another_service_account() -> None:
    file = {
        "sources": [
            {"name": "shop", "git-url": URL, "service-account": "shop/deployer"},
            {"name": "blog", "git-url": URL, "service-account": "blog/Deployer"},
            {"name": "base", "git-url": URL},
        ]
    }

    (told,) = problems(flags={}, file=file)
    assert told.startswith("source 'blog': --service-account: 'blog/Deployer' is no ServiceAccount")
    file["sources"][1]["service-account"] = "deployer"
    accounts = [str(each.service_account) for each in read({}, file=file).sources]
    assert accounts == ["shop/deployer", "reconcile/deployer", "None"]


def depending(**depends_on: list[str]) -> Mapping[str, object]:
    """Return a file with sources that depend on others."""
    return {
        "sources": [
            {"name": name, "git-url": URL, "depends-on": others}
            for name, others in depends_on.items()
        ]
    }


def test_sources_come_after_those_that_they_depend_on() -> None:
    file = depending(app=["base", "crds", "base"], other=[], base=["crds"], crds=[])

    sources = read({}, file=file).sources

    names = [each.name for each in sources]
    assert names.index("crds") < names.index("base") < names.index("app")
    assert sources[names.index("app")].depends_on == ("base", "crds")
    assert [each.name for each in read({}, file=depending(b=[], a=[])).sources] == ["b", "a"]


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        pytest.param(
            {"app": ["bsae"], "base": []},
            ["source 'app' depends on 'bsae': no such source; did you mean 'base'?"],
            id="a slip",
        ),
        pytest.param({"app": ["app"]}, ["source 'app' depends on itself"], id="itself"),
        pytest.param(
            {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a", "none"]},
            [
                "source 'd' depends on 'none': no such source",
                "sources depend on each other in a circle: a -> b -> c -> a",
            ],
            id="a circle",
        ),
    ],
)
def test_dependencies_that_cannot_be_are_told(
    depends_on: dict[str, list[str]], expected: list[str]
) -> None:
    assert problems(flags={}, file=depending(**depends_on)) == expected


def test_a_dependency_on_a_source_without_a_remote_is_no_problem_of_its_own() -> None:
    file = {"sources": [{"name": "base"}, {"name": "app", "git-url": URL, "depends-on": "base"}]}

    (told,) = problems(flags={}, file=file)

    assert told.startswith("source 'base': no Git remote given")


def test_a_long_chain_of_dependencies_is_put_in_order() -> None:
    chain = {f"s{number}": [f"s{number + 1}"] for number in range(3000)}

    names = [each.name for each in read({}, file=depending(**chain, s3000=[])).sources]

    assert names[0] == "s3000"
    assert names[-1] == "s0"

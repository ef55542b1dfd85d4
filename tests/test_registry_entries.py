from pathlib import Path

import pytest

from reconciler.core.images.pattern import Pattern
from reconciler.host_settings import HostSettings, Mirror, Rewrite
from reconciler.registry_entries import RegistryEntries, read_registry_entries


def read(*entries: object) -> RegistryEntries:
    return read_registry_entries(list(entries), where="config.yaml")


def hosts(*entries: object) -> tuple[HostSettings, ...]:
    found = read(*entries)
    assert found.problems == ()
    return found.hosts


def problems(*entries: object) -> list[str]:
    return [each.removeprefix("config.yaml: registries") for each in read(*entries).problems]


def test_an_entry_says_how_one_host_is_spoken_to() -> None:
    entry = {
        "host": "registry.example:5000",
        "ca-file": "/etc/reconcile/ca.pem",
        "client-cert-file": "/etc/reconcile/tls.crt",
        "client-key-file": "/etc/reconcile/tls.key",
        "insecure": True,
    }
    found = read(entry)

    assert found == RegistryEntries(
        (
            HostSettings(
                "registry.example:5000",
                ca_file=Path("/etc/reconcile/ca.pem"),
                client_cert_file=Path("/etc/reconcile/tls.crt"),
                client_key_file=Path("/etc/reconcile/tls.key"),
            ),
        ),
        frozenset({"registry.example:5000"}),
    )


def test_without_a_list_there_are_no_entries() -> None:
    assert read_registry_entries(None, where="config.yaml") == RegistryEntries()


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_goes_by_any_of_its_names(name: str) -> None:
    (entry,) = hosts({"host": name, "mirrors": [name]})

    assert entry == HostSettings("docker.io", mirrors=(Mirror("docker.io"),))


def test_hosts_are_read_in_lower_case() -> None:
    assert hosts({"host": "Registry.Example"}) == (HostSettings("registry.example"),)


CACHE = Rewrite(Pattern("^acme/(.*)$"), "cache/$1")
OTHER = Rewrite(Pattern("^"), "other/")


@pytest.mark.parametrize(
    ("more", "mirrors"),
    [
        pytest.param(
            {"mirrors": ["a.example", "b.example:5000"]},
            [Mirror("a.example"), Mirror("b.example:5000")],
            id="hosts",
        ),
        pytest.param({"mirrors": [{"host": "a.example"}]}, [Mirror("a.example")], id="mapping"),
        pytest.param(
            {"mirrors": ["a.example/other"]}, [Mirror("a.example", (OTHER,))], id="with-a-path"
        ),
        pytest.param(
            {"mirrors": ["a.example"], "rewrite": {"^acme/(.*)$": "cache/$1"}},
            [Mirror("a.example", (CACHE,))],
            id="rewrite-for-all",
        ),
        pytest.param(
            {
                "mirrors": [{"host": "a.example", "rewrite": {"^": "other/"}}, "b.example"],
                "rewrite": {"^acme/(.*)$": "cache/$1"},
            },
            [Mirror("a.example", (OTHER,)), Mirror("b.example", (CACHE,))],
            id="rewrite-of-its-own",
        ),
        pytest.param(
            {
                "mirrors": [{"host": "a.example", "rewrite": {}}],
                "rewrite": {"^acme/(.*)$": "cache/$1"},
            },
            [Mirror("a.example")],
            id="no-rewrite-for-one",
        ),
    ],
)
def test_mirrors_are_hosts_with_rewrites(more: dict[str, object], mirrors: list[Mirror]) -> None:
    (entry,) = hosts({"host": "registry.example", **more})

    assert list(entry.mirrors) == mirrors


R = "registry.example"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param({}, "[#0]: has no host", id="no-host"),
        pytest.param(
            {"host": R, "cafile": "x"},
            f"[{R}]: cafile: unknown key; did you mean 'ca-file'?",
            id="unknown-key",
        ),
        pytest.param(
            {"host": "https://r.example"},
            "[https://r.example]: host: 'https://r.example' is a URL: write HOST or HOST:PORT",
            id="url",
        ),
        pytest.param(
            {"host": "registry"},
            "[registry]: host: 'registry' is no host of images: write HOST.DOMAIN or HOST:PORT",
            id="a-word",
        ),
        pytest.param(
            {"host": "r.example/acme"},
            "[r.example/acme]: host: 'r.example/acme' is more than a host",
            id="host-with-a-path",
        ),
        pytest.param(
            {"host": 5000},
            "[5000]: host: 5000 is no host of images: write HOST.DOMAIN or HOST:PORT",
            id="number",
        ),
        pytest.param(
            {"host": R, "ca-file": ["a"]},
            f"[{R}]: ca-file: must be the path of a file",
            id="list-of-files",
        ),
        pytest.param(
            {"host": R, "client-key-file": "tls.key"},
            f"[{R}]: client-key-file: there is no client-cert-file",
            id="key-alone",
        ),
        pytest.param(
            {"host": R, "insecure": "perhaps"},
            f"[{R}]: insecure: 'perhaps' is neither true nor false",
            id="no-switch",
        ),
        pytest.param(
            {"host": R, "rewrite": {"^": "a/"}},
            f"[{R}]: rewrite: is for mirrors, and there are none",
            id="rewrite-alone",
        ),
        pytest.param(
            {"host": R, "mirrors": "m.example"}, f"[{R}]: mirrors: must be a list", id="no-list"
        ),
        pytest.param(
            {"host": R, "mirrors": ["m.example/a:v1"]},
            f"[{R}]: mirrors[m.example/a:v1]: host: 'm.example/a:v1' is no host of images: "
            "write HOST.DOMAIN or HOST:PORT",
            id="mirror-with-a-tag",
        ),
        pytest.param(
            {"host": R, "mirrors": [{"host": "m.example", "endpoint": "x"}]},
            f"[{R}]: mirrors[m.example]: endpoint: unknown key",
            id="unknown-key-of-a-mirror",
        ),
        pytest.param(
            {"host": R, "mirrors": [{}]}, f"[{R}]: mirrors[#0]: has no host", id="empty-mirror"
        ),
        pytest.param(
            {"host": R, "mirrors": [{"host": "m.example/a", "rewrite": {"^": "b/"}}]},
            f"[{R}]: mirrors[m.example/a]: rewrite: its host has a path already",
            id="path-and-rewrite",
        ),
        pytest.param(
            {"host": R, "mirrors": ["m.example"], "rewrite": ["^"]},
            f"[{R}]: rewrite: must be a mapping of regular expressions to texts",
            id="rewrite-is-no-mapping",
        ),
        pytest.param(
            {"host": R, "mirrors": ["m.example"], "rewrite": {"(": "a"}},
            f"[{R}]: rewrite: invalid policy '(': is no regular expression of RE2: missing ): (",
            id="no-expression",
        ),
        pytest.param(
            {"host": R, "mirrors": ["m.example"], "rewrite": {"^": "$1"}},
            f"[{R}]: rewrite: invalid policy '$1': the filter has no group '1'",
            id="no-such-group",
        ),
    ],
)
def test_a_problem_is_told_with_its_place(entry: dict[str, object], problem: str) -> None:
    assert problems(entry) == [problem]


def test_all_problems_are_told_together() -> None:
    assert len(problems({"host": R, "a": 1, "insecure": "x"}, {"mirrors": 1}, {"host": R})) == 5


def test_two_entries_for_one_host_are_a_problem() -> None:
    assert problems({"host": R}, {"host": R.upper()}) == [
        f"[{R.upper()}]: two entries are for 'registry.example'"
    ]


@pytest.mark.parametrize("raw", ["registry.example", [1], {"host": R}])
def test_what_is_no_list_of_mappings_is_a_problem(raw: object) -> None:
    assert read_registry_entries(raw, where="config.yaml").problems == (
        "config.yaml: registries: must be a list of mappings",
    )

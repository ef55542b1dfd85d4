"""The registries that people use, by the shapes of their answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, NotFoundError
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of
from tests.simulators.names import Names
from tests.simulators.registry import RegistrySimulator
from tests.simulators.vendors import PASSWORD, TAGS, VENDORS, Vendor, VendorScript

EACH = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
PUBLIC = pytest.mark.parametrize(
    "vendor", [each for each in VENDORS if each.is_public], ids=lambda vendor: vendor.name
)


class Stage:
    """A vendor's registry, and clients for it."""

    def __init__(
        self, script: VendorScript, server: RegistrySimulator, ca_file: Path, names: Names
    ) -> None:
        self.script = script
        self.server = server
        self.names = names
        self.repository = Repository(script.host, script.vendor.path)
        self._settings = RegistrySettings(ca_file=ca_file)

    def client(self, password: str | None = PASSWORD) -> RegistryClient:
        """Return a client with a login for this registry, and some for other hosts."""
        logins = {"other.test": f"other:{PASSWORD}", "docker.io": f"hub:{PASSWORD}"}
        if password is not None:
            logins[self.script.host] = f"{self.script.vendor.user}:{password}"
        return RegistryClient(self._settings, keychain_of(logins) if logins else Keychain())

    def list(self, password: str | None = PASSWORD) -> tuple[str, ...]:
        client = self.client(password)
        try:
            return client.list_tags(self.repository)
        finally:
            client.close()

    @property
    def pages(self) -> int:
        """How many requests its tags take."""
        page = self.script.vendor.page
        return -(-len(TAGS) // page) if page else 1

    def shown(self, scheme: str) -> set[str]:
        """Return the hosts that a kind of credentials was shown to."""
        return {
            each.headers["Host"]
            for each in self.server.requests
            if each.headers.get("Authorization", "").startswith(scheme)
        }


@pytest.fixture
def stage(
    vendor: Vendor, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    names = Names()
    names.install(monkeypatch)
    script = VendorScript(vendor)
    certificate = authority.certificate(tmp_path / "vendor.pem", name="*.vendor.test")
    with RegistrySimulator(script, context=serving_context(certificate)) as server:
        script.listen(server.port)
        yield Stage(script, server, authority.ca_file, names)


@EACH
def test_all_tags_are_listed_with_one_challenge_one_token_and_one_request_a_page(
    stage: Stage, vendor: Vendor
) -> None:
    assert stage.list() == TAGS

    assert len(stage.server.requests) == 1 + bool(vendor.realm) + stage.pages


@EACH
def test_another_repository_costs_no_other_challenge(stage: Stage, vendor: Vendor) -> None:
    client = stage.client()
    client.list_tags(stage.repository)
    before = len(stage.server.requests)
    other = Repository(stage.script.host, f"{vendor.path.rpartition('/')[0]}/api")
    assert client.list_tags(other) == TAGS
    client.close()

    is_sold_again = bool(vendor.realm) and vendor.scope != "aws"
    assert len(stage.server.requests) - before == is_sold_again + stage.pages


@EACH
def test_passwords_and_tokens_go_where_they_are_for_and_nowhere_else(
    stage: Stage, vendor: Vendor
) -> None:
    stage.list()

    if vendor.realm:
        assert stage.shown("Basic") == {stage.script.realm_host}
        assert stage.shown("Bearer") == {stage.script.host}
    else:
        assert stage.shown("Basic") == {stage.script.host}
    own = {stage.script.host, stage.script.realm_host}
    assert stage.names.asked <= {host.partition(":")[0] for host in own}


@PUBLIC
def test_what_is_public_is_listed_without_a_login(stage: Stage, vendor: Vendor) -> None:
    assert stage.list(None) == TAGS

    assert stage.shown("Basic") == set()
    assert vendor.realm


@EACH
def test_a_wrong_password_is_told_and_not_shown(stage: Stage, vendor: Vendor) -> None:
    if vendor.is_public:
        assert stage.list("wrong") == TAGS  # as nobody
        return

    with pytest.raises(AccessDeniedError, match="the registry refused the login of") as raised:
        stage.list("wrong")

    assert vendor.user not in str(raised.value)


@pytest.mark.parametrize(
    "vendor", [each for each in VENDORS if not each.is_public], ids=lambda vendor: vendor.name
)
def test_what_is_private_wants_a_login(stage: Stage, vendor: Vendor) -> None:
    with pytest.raises(AccessDeniedError, match="wants a password, and none is known for it"):
        stage.list(None)

    assert stage.shown("Basic") == set()
    assert vendor.sources


@EACH
def test_a_login_without_rights_is_told_and_not_shown(stage: Stage, vendor: Vendor) -> None:
    stage.script.is_forbidden = True

    with pytest.raises(AccessDeniedError, match="login of the docker config") as raised:
        stage.list()

    assert PASSWORD not in str(raised.value)
    assert vendor.name


@EACH
def test_a_repository_that_is_not_there_is_told(stage: Stage, vendor: Vendor) -> None:
    stage.script.tags = None

    with pytest.raises(NotFoundError, match=f"the registry has no repository '{vendor.path}'"):
        stage.list()


@EACH
def test_a_repository_without_tags_has_none(stage: Stage, vendor: Vendor) -> None:
    stage.script.tags = ()

    assert stage.list() == ()
    assert vendor.name

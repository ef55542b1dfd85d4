"""Access tokens are kept while they live, and bought once however many want one."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from reconciler.adapters.registry import tokens as tokens_module
from reconciler.adapters.registry.login import IDENTITY_USER, Login
from reconciler.adapters.registry.token import TokenKey, read_token
from reconciler.adapters.registry.tokens import Tokens
from reconciler.adapters.registry.transport import Transport
from reconciler.core.redaction import Secret
from reconciler.errors import AccessDeniedError, RegistryError
from reconciler.settings import RegistrySettings
from tests.fakes.clock import FakeClock
from tests.simulators.registry import RegistrySimulator, Reply, Request

CANARY = "canary-7f3a"
ROBOT = Login("robot", Secret(CANARY))
REFRESH = Login(IDENTITY_USER, Secret(CANARY), is_identity_token=True)


class TokenService:
    """Sells numbered tokens; what it answers may be changed."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reply: Reply | None = None
        self.knows_posts = True
        self.life_s: object = 100
        self.sold = 0
        self.hold = threading.Event()
        self.hold.set()
        self.simulator = RegistrySimulator(self._answer)
        self.tokens = Tokens(Transport(RegistrySettings()), clock=self.clock.now)

    def key(self, scope: str = "repository:a:pull", login: Login | None = None) -> TokenKey:
        return TokenKey(f"http://{self.simulator.host}/token?own=1", "lab", scope, login)

    def get(self, key: TokenKey | None = None, *, refused: str = "") -> str:
        return self.tokens.get(key or self.key(), refused=refused).text

    def _answer(self, request: Request) -> Reply:
        assert self.hold.wait(30)
        if request.method == "POST" and not self.knows_posts:
            return Reply(status=405)
        if self.reply is not None:
            return self.reply
        self.sold += 1
        answer = {"token": f"token-{self.sold}", "expires_in": self.life_s}
        return Reply(body=json.dumps(answer).encode())


@pytest.fixture
def service() -> Iterator[TokenService]:
    service = TokenService()
    with service.simulator:
        yield service


def test_a_token_is_kept_until_shortly_before_its_end(service: TokenService) -> None:
    assert service.get() == "token-1"
    service.clock.sleep(89)
    assert service.get() == "token-1"

    service.clock.sleep(2)

    assert service.get() == "token-2"


def test_a_token_is_for_one_scope_and_one_login(service: TokenService) -> None:
    keys = [service.key(), service.key("repository:b:pull"), service.key(login=ROBOT)]

    assert len({service.get(key) for key in keys * 2}) == 3
    assert service.sold == 3


def test_many_who_want_a_token_at_once_cause_one_request(service: TokenService) -> None:
    service.hold.clear()
    with ThreadPoolExecutor(16) as threads:
        wanted = [threads.submit(service.get) for _ in range(16)]
        service.hold.set()

        assert {each.result(30) for each in wanted} == {"token-1"}
    assert len(service.simulator.requests) == 1


def test_a_token_that_the_registry_refused_is_bought_anew_once(service: TokenService) -> None:
    first = service.get()

    assert service.get(refused=first) == "token-2"
    assert service.get(refused=first) == "token-2"


def test_only_a_token_that_was_bought_just_now_is_new(service: TokenService) -> None:
    assert service.tokens.get(service.key()).is_new
    assert not service.tokens.get(service.key()).is_new


def test_a_token_is_asked_for_by_get_with_service_scopes_and_password(
    service: TokenService,
) -> None:
    service.get(service.key("repository:a:pull repository:b:pull", ROBOT))

    (request,) = service.simulator.requests
    assert request.method == "GET"
    assert parse_qsl(urlsplit(request.path).query) == [
        ("own", "1"),
        ("service", "lab"),
        ("scope", "repository:a:pull"),
        ("scope", "repository:b:pull"),
    ]
    assert request.headers["Authorization"] == ROBOT.basic
    service.get()
    assert "Authorization" not in service.simulator.requests[1].headers


def test_a_service_without_a_name_is_not_named() -> None:
    key = TokenKey("https://auth.example/token#part", "", "repository:a:pull", None)

    assert key.url == "https://auth.example/token?scope=repository%3Aa%3Apull"
    assert parse_qs(key.form.decode(), keep_blank_values=True)["refresh_token"] == [""]


def test_an_identity_token_is_posted_and_nowhere_else(service: TokenService) -> None:
    service.get(service.key(login=REFRESH))

    (request,) = service.simulator.requests
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert CANARY not in request.path
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "refresh_token",
        "service": "lab",
        "scope": "repository:a:pull",
        "client_id": "reconcile",
        "refresh_token": CANARY,
    }


def test_a_service_that_knows_no_posts_is_asked_by_get(service: TokenService) -> None:
    service.knows_posts = False

    assert service.get(service.key(login=REFRESH)) == "token-1"
    assert [each.method for each in service.simulator.requests] == ["POST", "GET"]
    assert service.simulator.requests[1].headers["Authorization"] == REFRESH.basic


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("login", [ROBOT, REFRESH])
def test_a_refused_login_is_told_from_a_failure_and_not_quoted(
    service: TokenService, status: int, login: Login
) -> None:
    service.reply = Reply(status=status, body=CANARY.encode())

    with pytest.raises(AccessDeniedError, match=f"its token service answered {status}") as raised:
        service.get(service.key(login=login))

    assert CANARY not in f"{raised.value!r} {raised.value}"


def test_a_failure_is_not_kept(service: TokenService) -> None:
    service.reply = Reply(status=429, headers={"Retry-After": "7"})
    with pytest.raises(RegistryError, match="its token service answered 429") as raised:
        service.get()
    assert raised.value.retry_after_s == 7

    service.reply = None

    assert service.get() == "token-1"


def test_a_redirect_within_the_service_is_followed_a_few_times(service: TokenService) -> None:
    def answer(request: Request) -> Reply:
        if request.path.startswith("/v3"):
            return Reply(body=b'{"access_token": "moved"}')
        again = f"{request.path}s"
        return Reply(
            307, headers={"Location": "/v3" if request.path.startswith("/token?") else again}
        )

    with RegistrySimulator(answer) as moved:
        realm = f"http://{moved.host}"
        key = TokenKey(f"{realm}/token", "", "s", ROBOT)
        assert service.get(key) == "moved"
        assert {each.headers["Authorization"] for each in moved.requests} == {ROBOT.basic}
        with pytest.raises(RegistryError, match="its token service redirects more than 3 times"):
            service.get(TokenKey(f"{realm}/tokens", "", "s", ROBOT))


def test_no_more_tokens_are_kept_than_fit(
    service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "MAX_KEPT", 3)
    scopes = [f"repository:{number}:pull" for number in range(3)]
    for scope in scopes:
        service.get(service.key(scope))
    service.clock.sleep(95)
    service.get(service.key("repository:3:pull"))  # those that are over make room
    assert service.get(service.key("repository:3:pull")) == "token-4"
    for number in range(4, 7):  # none is over: all go
        service.get(service.key(f"repository:{number}:pull"))

    assert service.get(service.key("repository:3:pull")) == "token-8"


@pytest.mark.parametrize(
    ("answer", "text", "use_s"),
    [
        pytest.param({"token": "t", "expires_in": 300}, "t", 270, id="token"),
        pytest.param({"access_token": "t"}, "t", 54, id="access-token-and-no-life"),
        pytest.param({"token": "", "access_token": "t", "expires_in": "9"}, "t", 54, id="text"),
        pytest.param({"token": "t", "expires_in": 1}, "t", 54, id="short"),
        pytest.param({"token": "t", "expires_in": -5}, "t", 54, id="negative"),
        pytest.param({"token": "t", "expires_in": True}, "t", 54, id="bool"),
        pytest.param({"token": "t", "expires_in": 10**18}, "t", 3240, id="for-ever"),
    ],
)
def test_an_answers_token_is_used_for_most_of_its_life(
    answer: object, text: str, use_s: float
) -> None:
    token = read_token(json.dumps(answer).encode())

    assert token is not None
    assert token.text == text
    assert token.use_s == pytest.approx(use_s)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"token": 7}',
        b'{"token": "two words"}',
        b'{"token": "line\\r\\nX-Evil: 1"}',
        b'{"token": "\xff"}',
        b'{"token": ' + b"[" * 100_000,
    ],
)
def test_what_holds_no_token_is_seen_as_that(body: bytes) -> None:
    assert read_token(body) is None


def test_nothing_of_a_login_is_printed() -> None:
    key = TokenKey("https://auth.example/", "lab", "s", Login(CANARY, Secret(CANARY)))

    assert CANARY not in repr(key)

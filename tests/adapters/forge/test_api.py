"""What goes over the wire to a forge, and what never does."""

from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from lab.bare_repository import BareRemote, git
from reconciler.adapters.forge.forges import AnyForge, forge_of
from reconciler.core.change_request import RequestText
from reconciler.errors import ForgeError, RefusedError, SettingsError, StalledError
from reconciler.settings import ForgeSettings, GitSettings
from tests.simulators.forge import KINDS, TOKEN, ForgeSimulator, serving_forge
from tests.simulators.registry import RegistrySimulator, Reply

TEXT = RequestText("Update", "body")


def forge_at(url: str, folder: Path, kind: str = "gitea", ca_file: Path | None = None) -> AnyForge:
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    settings = GitSettings("https://git.example/acme/web", ca_file=ca_file, insecure=True)
    return forge_of(settings, ForgeSettings(kind, url, token))


def answering(reply: Reply) -> RegistrySimulator:
    return RegistrySimulator(lambda _: reply)


def ask(server: RegistrySimulator, folder: Path, kind: str = "gitea") -> None:
    forge_at(f"http://{server.host}/api", folder, kind).newest_request(head="x", base="main")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_our_token_nowhere(tmp_path: Path, kind: str, status: int) -> None:
    with answering(Reply()) as other:
        reply = Reply(status, b"", {"Location": f"http://me:secret@{other.host}/api"})
        with answering(reply) as server, pytest.raises(StalledError) as raised:
            ask(server, tmp_path, kind)

        assert other.requests == []
    assert other.host in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_token_goes_in_the_form_that_the_forge_knows(tmp_path: Path, kind: str) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    forge = ForgeSimulator(kind, remote)

    with serving_forge(forge) as url:
        assert forge_at(url, tmp_path, kind).newest_request(head="x", base="main") is None

    assert all(TOKEN not in request.path for request in forge.requests)


def test_what_the_server_says_is_shown_without_our_token(tmp_path: Path) -> None:
    body = f'{{"message":"bad {TOKEN}\\u0007", "errors": ["and more"]}}'.encode()
    with answering(Reply(400, body)) as server, pytest.raises(RefusedError) as raised:
        ask(server, tmp_path)

    assert "bad *** ; and more" in str(raised.value)


@pytest.mark.parametrize("before", range(290, 302))
def test_no_part_of_our_token_is_shown_where_words_are_cut(tmp_path: Path, before: int) -> None:
    body = f'{{"message":"{"x" * before}{TOKEN}"}}'.encode()
    with answering(Reply(400, body)) as server, pytest.raises(RefusedError) as raised:
        ask(server, tmp_path)

    assert TOKEN[:3] not in str(raised.value)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(302, b"", {"Location": "https://[half"}), id="no-address"),
        pytest.param(Reply(400, b'{"message":' + b'{"a":' * 600 + b"1" + b"}" * 601), id="nested"),
    ],
)
def test_an_answer_made_to_break_us_is_a_refusal_like_any_other(
    tmp_path: Path, reply: Reply
) -> None:
    with answering(reply) as server, pytest.raises(StalledError):
        ask(server, tmp_path)


def test_a_server_that_hangs_up_is_transient(tmp_path: Path) -> None:
    with answering(Reply(wire=b"")) as server, pytest.raises(ForgeError, match="reached"):
        ask(server, tmp_path)


def test_a_server_that_is_not_there_is_transient(tmp_path: Path) -> None:
    with answering(Reply()) as server:
        host = server.host

    with pytest.raises(ForgeError, match="Connection refused"):
        forge_at(f"http://{host}/api", tmp_path).newest_request(head="x", base="main")


def test_a_name_that_nobody_has_is_transient(tmp_path: Path) -> None:
    with pytest.raises(ForgeError, match="cannot be reached"):
        forge_at("https://forge.invalid/api", tmp_path).newest_request(head="x", base="main")


@pytest.mark.parametrize("has_ca", [True, False])
def test_tls_trusts_the_ca_file_of_git(tmp_path: Path, *, has_ca: bool) -> None:
    authority = Authority(tmp_path)
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    ca_file = authority.ca_file if has_ca else None
    with RegistrySimulator(lambda _: Reply(body=b"[]"), context=context) as server:
        forge = forge_at(f"https://{server.host}/api", tmp_path, ca_file=ca_file)
        if has_ca:
            assert forge.newest_request(head="x", base="main") is None
        else:
            with pytest.raises(StalledError, match="--git-ca-file"):
                forge.newest_request(head="x", base="main")
        assert all("Authorization" in each.headers for each in server.requests)


def test_a_ca_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    forge = forge_at("https://localhost:1/api", tmp_path, ca_file=tmp_path / "ca.pem")

    with pytest.raises(SettingsError, match="no certificate that can be read"):
        forge.newest_request(head="x", base="main")


def test_a_proxy_is_asked_where_the_environment_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(Reply(body=b"[]")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        forge_at("http://forge.example/api", tmp_path).newest_request(head="x", base="main")

    assert proxy.requests[0].path.startswith("http://forge.example/api/repos/acme/web/pulls")


@pytest.mark.parametrize("content", [b"", b"\n", b"a b", b"\xff", b"a\x07b", b"x" * 20_000])
def test_what_is_no_token_is_never_sent(tmp_path: Path, content: bytes) -> None:
    with answering(Reply()) as server:
        forge = forge_at(f"http://{server.host}/api", tmp_path)
        (tmp_path / "token").write_bytes(content)
        with pytest.raises(SettingsError, match="holds no token"):
            forge.newest_request(head="x", base="main")
        (tmp_path / "token").unlink()
        with pytest.raises(SettingsError, match="No such file"):
            forge.newest_request(head="x", base="main")

    assert server.requests == []


def test_without_a_token_file_the_settings_are_to_blame() -> None:
    with pytest.raises(SettingsError, match="--git-api-token-file"):
        forge_of(GitSettings("https://github.com/acme/web"), ForgeSettings())


def test_the_password_file_holds_the_token_where_no_other_is_given(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(TOKEN)
    with answering(Reply(body=b"[]")) as server:
        settings = GitSettings("https://127.0.0.1/acme/web", password_file=tmp_path / "password")
        forge = forge_of(settings, ForgeSettings("github", f"http://{server.host}"))
        forge.newest_request(head="x", base="main")

    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_password_of_the_remote_goes_to_no_other_host(tmp_path: Path) -> None:
    settings = GitSettings("https://git.example/acme/web", password_file=tmp_path / "password")

    with pytest.raises(SettingsError, match="--git-api-token-file"):
        forge_of(settings, ForgeSettings("github", "https://other.example"))


def test_a_list_of_many_pages_is_gone_through(tmp_path: Path) -> None:
    forge = ForgeSimulator("gitea", BareRemote.create(tmp_path / "web.git"), page=3)
    wanted = forge.add("x")
    for number in range(10):
        forge.add(f"y{number}")

    with serving_forge(forge) as url:
        at = forge_at(url, tmp_path)
        first = at.newest_request(head="x", base="main")
        pages = len(forge.calls)
        second = at.newest_request(head="x", base="main")

    assert first == second
    assert first is not None
    assert first.number == wanted.number
    assert (pages, len(forge.calls)) == (5, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_opened_edited_and_closed(tmp_path: Path, kind: str) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    remote.put({"a": b"1"})
    remote.put({"a": b"2"}, branch="x")
    forge = ForgeSimulator(kind, remote)

    with serving_forge(forge) as url:
        at = forge_at(url, tmp_path, kind)
        made = at.open_request(TEXT, head="x", base="main")
        assert (made.is_open, made.is_merged, made.title, made.body) == (True, False, *parts(TEXT))
        with pytest.raises(RefusedError, match="already exists"):
            at.open_request(TEXT, head="x", base="main")
        edited = at.edit_request(made.number, RequestText("Other", "text"))
        assert (edited.title, edited.body) == ("Other", "text")
        at.close_request(made.number, body="why", comment="because")
        closed = at.newest_request(head="x", base="main")

    assert closed is not None
    assert (closed.is_open, closed.is_merged, closed.body) == (False, False, "why")
    assert forge.pulls[0].comments == ["because"]


def parts(text: RequestText) -> tuple[str, str]:
    return text.title, text.body


def test_a_branch_with_nothing_in_it_is_no_request_yet(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "web.git")
    git(remote.path, "update-ref", "refs/heads/x", remote.put({"a": b"1"}))

    with serving_forge(ForgeSimulator("github", remote)) as url:
        at = forge_at(url, tmp_path, "github")
        with pytest.raises(ForgeError, match="sees nothing to merge"):
            at.open_request(TEXT, head="x", base="main")
        with pytest.raises(RefusedError, match="no such branch"):
            at.open_request(TEXT, head="none", base="main")

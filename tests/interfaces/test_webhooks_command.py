"""``reconcile webhooks``, as a user meets it."""

from pathlib import Path

from reconciler.core.hooks.senders import SENDERS, path_key
from tests.interfaces.program import program

SECRET = "correct horse battery staple"


def test_each_sender_has_its_url_and_only_those_who_need_it_have_a_key(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    flags = ("--webhook-secret-file", str(file), "--base-url", "https://reconcile.example/")

    shown = program("webhooks", *flags)
    told = program("webhooks", *flags, "-o", "json").json["webhooks"]

    assert shown.code == 0
    assert SECRET not in shown.out
    assert [each["sender"] for each in told] == [f"{each.family}/{each.name}" for each in SENDERS]
    urls = {each["sender"]: each["url"] for each in told}
    assert urls["git/github"] == "https://reconcile.example/hooks/git/github"
    hub = next(each for each in SENDERS if each.name == "dockerhub")
    assert urls["registry/dockerhub"].endswith(
        f"/hooks/registry/dockerhub/{path_key(SECRET.encode(), hub)}"
    )
    assert all(url in shown.out for url in urls.values())


def test_without_a_secret_there_is_nothing_to_show(tmp_path: Path) -> None:
    short = tmp_path / "secret"
    short.write_text("short")

    none = program("webhooks")
    too_short = program("webhooks", "--webhook-secret-file", str(short))
    missing = program("webhooks", "--webhook-secret-file", str(tmp_path / "nothing"))

    assert [none.code, too_short.code, missing.code] == [2, 2, 2]
    assert "--webhook-secret-file is needed" in none.err
    assert "fewer than 16 characters" in too_short.err
    assert "No such file" in missing.err

"""Commit templates: what they may do, and how they fail."""

from pathlib import Path

import pytest

from reconciler.adapters.template.commit_template import CommitTemplate, read_template
from reconciler.core.sample_changes import sample_changes
from reconciler.errors import SettingsError
from reconciler.pipeline.wording import sample_data

DATA = sample_data(sample_changes())


def made(text: str) -> str:
    """Return what a template makes of the sample."""
    return CommitTemplate(text, name="c.j2", known=DATA).render(DATA)


def test_a_template_is_told_of_every_change() -> None:
    line = (
        "{% for c in changes %}\n"
        "{{ c.path }} {{ c.namespace }} {{ c.kind }} {{ c.name }} {{ c.workload }}"
        " {{ c.container }} {{ c.image }} {{ c.repository }} {{ c.old_tag }} {{ c.new_tag }}"
        " {{ c.policy }} {{ c.new_digest[:11] }}\n"
        "{% endfor %}\n"
    )

    first, second, third = made(line).splitlines()
    assert first == (
        "deploy/blog.yaml blog StatefulSet blog blog:statefulset/blog"
        " blog ghcr.io/acme/blog ghcr.io/acme/blog 2024.10.1 2024.11.0 same shape "
    )
    assert second == (
        "deploy/web.yaml shop Deployment web shop:deployment/web"
        " web registry.example/acme/web registry.example/acme/web 1.4.1 1.4.2 semver:^1.4 "
    )
    assert third == (
        "deploy/web.yaml shop Deployment web shop:deployment/web"
        " proxy nginx docker.io/library/nginx 1.27-alpine 1.28-alpine same shape sha256:9c41"
    )
    assert made("{{ action }} {{ source }} {{ branch }} {{ by }}") == (
        "update default main default@1f3a9c02"
    )
    assert made("{{ subject }}\n\n{{ body }}") == made("{{ default }}")
    assert made("{{ changes[0].old }} {{ changes[0].new }}") == (
        "ghcr.io/acme/blog:2024.10.1 ghcr.io/acme/blog:2024.11.0"
    )


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        pytest.param("a\n{% for", "c.j2:2", "unexpected", id="syntax"),
        pytest.param("\n{{ chages }}", "c.j2:2", "no 'chages'; did you mean 'changes'", id="name"),
        pytest.param(
            "\n\n{{ changes[0].wrkload }}", "c.j2:3", "did you mean 'workload'", id="attribute"
        ),
        pytest.param("{{ changes[7].path }}", "c.j2:1", "there is no '7'", id="item"),
        pytest.param("{{ 1 / 0 }}", "c.j2:1", "division by zero", id="arithmetic"),
        pytest.param("{% include 'x' %}", "c.j2:1", "no loader", id="include"),
        pytest.param("{{ ''.__class__ }}", "c.j2:1", "__class__", id="insides"),
        pytest.param("{{ changes.append(1) }}", "c.j2:1", "append", id="changing-its-data"),
        pytest.param("{{ changes[0].update(a=1) }}", "c.j2:1", "update", id="changing-a-change"),
        pytest.param(
            "{% for a in range(200) %}{% for b in range(200) %}{% endfor %}{% endfor %}",
            "c.j2:1",
            "no more than 10,000 numbers in all",
            id="loops",
        ),
        pytest.param("{{ 'x' * 10 ** 12 }}", "c.j2:1", "no more than 65,536", id="long-text"),
        pytest.param("{{ [0] * 10 ** 12 }}", "c.j2:1", "no more than 65,536", id="long-list"),
        pytest.param("{{ 10 ** 999 }}", "c.j2:1", "more than 1,024 bits", id="power"),
        pytest.param("{{ '%9999999999d' % 1 }}", "c.j2:1", "is for numbers", id="format"),
        pytest.param(
            "{% for a in range(9999) %}{{ default * 9 }}{% endfor %}",
            "c.j2",
            "more than 4,194,304 characters",
            id="output",
        ),
        pytest.param(
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "c.j2:1", "recursion", id="for-ever"
        ),
    ],
)
def test_what_fails_is_told_with_its_line(text: str, where: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        made(text)

    assert caught.value.where == where


def test_the_limit_of_loops_is_each_rendering_s_own() -> None:
    template = CommitTemplate(
        "{% for a in range(9000) %}{% endfor %}{{ 2 ** 3 * 2 % 5 }}", name="c", known=DATA
    )

    assert [template.render(DATA) for _ in range(3)] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"\xff", "is not UTF-8", id="not-utf-8"),
        pytest.param(b"x" * 65537, "is larger than 65,536 bytes", id="large"),
        pytest.param(None, "cannot read it: No such file", id="missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None, what: str
) -> None:
    file = tmp_path / "commit.j2"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=what) as caught:
        read_template(file, known=DATA)
    assert caught.value.where.removesuffix(":1") == str(file)


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "commit.j2"
    file.write_bytes("\ufeff{{ subject }}\r\nmore\r\n".encode())

    assert read_template(file, known=DATA).render(DATA) == "Update 3 images\nmore"

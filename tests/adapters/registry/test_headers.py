import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.registry.challenge import Challenge, parse_challenges
from reconciler.adapters.registry.pagination import next_link, next_page
from reconciler.errors import RegistryError


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param('Basic realm="a b"', [Challenge("basic", {"realm": "a b"})], id="basic"),
        pytest.param(
            'BEARER Realm="https://a/t",service=s , scope="repository:x:pull,push"',
            [
                Challenge(
                    "bearer",
                    {"realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"},
                )
            ],
            id="bearer",
        ),
        pytest.param(
            'Negotiate, Basic realm="x\\"y"',
            [Challenge("negotiate", {}), Challenge("basic", {"realm": 'x"y'})],
            id="several",
        ),
        pytest.param("", [], id="empty"),
        pytest.param("=,;", [], id="nonsense"),
        pytest.param("Basic " + "x" * 9000, [], id="too-long"),
    ],
)
def test_challenges_are_read(header: str, expected: list[Challenge]) -> None:
    assert list(parse_challenges(header)) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param('</v2/a?last=x>; rel="next"', "/v2/a?last=x", id="usual"),
        pytest.param("</a>;rel=next", "/a", id="unquoted"),
        pytest.param('</p>; rel="prev", </n>; title="t"; rel="next"', "/n", id="second"),
        pytest.param('</a>; REL = "prev Next"', "/a", id="one-of-several"),
        pytest.param('</a>; rel="prev"', None, id="other"),
        pytest.param('</a>; rel="nextpage"; title="next"', None, id="alike"),
        pytest.param("", None, id="none"),
        pytest.param("<" * 9000, None, id="too-long"),
    ],
)
def test_the_next_link_is_found(header: str, expected: str | None) -> None:
    assert next_link(header) == expected


@given(st.text(alphabet=st.sampled_from('<>;, rel="next\\=Basic/?&x'), max_size=300))
def test_any_header_is_read_or_left_without_an_error(text: str) -> None:
    parse_challenges(text)
    link = next_link(text)
    if link is not None:
        try:
            page = next_page(link, asked="https://r.example/v2/a/tags/list?n=1000")
        except RegistryError:
            return
        assert page.startswith("https://r.example/v2/a/tags/list")

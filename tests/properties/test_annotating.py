"""Over generated manifests: only the lines of the annotation differ, and they can be taken back."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.manifests.finding import AnnotationEdit, edit_annotations, find_one
from reconciler.core.objects.identity import ObjectKey

KEY = ObjectKey("apps", "Deployment", "default", "web")


@dataclass(frozen=True)
class Style:
    """How a generated manifest is written."""

    newline: str
    step: int
    quote: str
    comment: str
    end: str
    start: str
    others: int
    is_last: bool


styles = st.builds(
    Style,
    newline=st.sampled_from(["\n", "\r\n"]),
    step=st.integers(1, 6),
    quote=st.sampled_from(["'", '"']),
    comment=st.sampled_from(["", " # a comment", " # é 漢 🚀", "\t# tab", "\t", "  "]),
    end=st.sampled_from(["", "\n", "\n\n  \n", "\n...\n", "\n---\nkind: Other\n"]),
    start=st.sampled_from(
        ["", "\ufeff", "---\n", "# first\n", "a: {b: [c]}\n---\n", "%YAML 1.2\n---\n"]
    ),
    others=st.integers(0, 3),
    is_last=st.booleans(),
)


def written(style: Style, value: str | None = None) -> str:
    """Return a Deployment's manifest in a style, with our annotation last if it has a value."""
    pad = " " * style.step
    others = [
        f"{pad * 2}a{n}: {style.quote}{n}{style.quote}{style.comment}" for n in range(style.others)
    ]
    own = [] if value is None else [f"{pad * 2}k: {style.quote}{value}{style.quote}"]
    annotations = [f"{pad}annotations:", *others, *own] if others or own else []
    labels = [f"{pad}labels: {{a: {style.quote}1{style.quote}}}"]
    metadata = ["metadata:", f"{pad}name: web{style.comment}"]
    spec = [] if style.is_last else ["spec: {}"]
    lines = ["apiVersion: apps/v1", "kind: Deployment", *spec, *metadata]
    lines += [*labels, *annotations] if style.others else [*annotations, *labels]
    return (style.start + "\n".join(lines) + style.end).replace("\n", style.newline)


def with_mixed_line_ends(text: str, draws: list[bool]) -> str:
    """Return a text in which some lines end as those of Windows do."""
    lines = text.split("\n")
    ends = ["\r\n" if draws[at % len(draws)] else "\n" for at in range(len(lines) - 1)]
    return "".join(map("".join, zip(lines, [*ends, ""], strict=True)))


def edited(text: str, value: str | None) -> str:
    edit = AnnotationEdit("k", value)
    return edit_annotations("a.yaml", text, KEY, [edit], default_namespace="default")


@given(styles, st.from_regex(r"[0-9]{1,4}", fullmatch=True))
def test_only_the_lines_of_the_annotation_differ_whatever_the_style(
    style: Style, value: str
) -> None:
    text = written(style)

    after = edited(text, value)

    assert after == written(style, value)
    assert edited(after, value) == after
    assert edited(after, "9" + value) == written(style, "9" + value)
    assert edited(after, None) == text
    assert edited(text, None) == text


@given(styles, st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_a_value_holds_it_reads_back_and_goes_without_a_trace(
    style: Style, value: str
) -> None:
    text = written(style)

    after = edited(text, value)

    found = find_one("a.yaml", after, KEY, default_namespace="default").workload.annotations
    assert {key.value: getattr(node, "value", None) for key, node in found}["k"] == value
    assert edited(after, value) == after
    assert edited(after, None) == text


@given(styles, st.lists(st.booleans(), min_size=2, max_size=9))
def test_among_mixed_line_ends_every_other_line_keeps_its_own(
    style: Style, draws: list[bool]
) -> None:
    text = written(replace(style, newline="\n", end=style.end or "\n"))
    before = with_mixed_line_ends(text, draws)

    after = edited(before, "1")

    rest = iter(after.split("\n"))
    assert all(line in rest for line in before.split("\n"))
    assert after.count("\n") - before.count("\n") == (1 if style.others else 2)
    assert edited(after, "1") == after
    assert edited(after, None) == before

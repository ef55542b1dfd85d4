"""Tables for people: columns where they fit, else one block a row."""

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len, chop_cells

from reconciler.interfaces.terminal import printable

GAP = "  "
_NARROW = 20  # columns that the last cell must have at least to be folded in its column

Style = Callable[[str, str], str]
Row = Sequence[str]


def table_lines(
    headers: Row, rows: Sequence[Row], *, width: int, bold: Callable[[str], str] = str
) -> Iterator[str]:
    """Yield the lines of a table, none wider than ``width`` cells (a wide character has two).

    All columns but the last are as wide as they need to be; the last one is folded if need be.
    Where that leaves too little for it, each row is a block of its own: the first cell, then
    ``name  value`` for the others.

    Args:
        headers: names of the columns.
        rows: as many cells each; an empty cell is left out of a block.
        width: of the terminal.
        bold: makes headers and the titles of blocks stand out.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    sizes = [max(map(cell_len, column)) for column in zip(headers, *cells, strict=True)]
    fixed = sum(sizes[:-1]) + len(GAP) * (len(sizes) - 1)
    if fixed + min(sizes[-1], _NARROW) <= width:
        upper = [header.upper() for header in headers]
        yield bold(_row(upper, sizes, width - fixed)[0])
        for row in cells:
            yield from _row(row, sizes, width - fixed)
    else:
        for row in cells:
            yield from _block(headers, row, width, bold)


def fold(text: str, width: int) -> list[str]:
    """Return the text as lines of at most ``width`` cells, cut at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        lines += [line] if line else []
        *full, line = chop_cells(word, width) or [""]
        lines += full
    return [*lines, line]


def _row(row: Row, sizes: Sequence[int], last_width: int) -> list[str]:
    before = "".join(
        f"{cell}{' ' * (size - cell_len(cell))}{GAP}"
        for cell, size in zip(row[:-1], sizes, strict=False)
    )
    first, *more = fold(row[-1], max(1, last_width))
    indent = " " * cell_len(before)
    return [f"{before}{first}".rstrip(), *(f"{indent}{line}" for line in more)]


def _block(headers: Row, row: Row, width: int, bold: Callable[[str], str]) -> Iterator[str]:
    yield from map(bold, fold(row[0], width))
    name_width = max(map(cell_len, headers[1:]))
    for header, cell in zip(headers[1:], row[1:], strict=True):
        if cell:
            first, *more = fold(cell, max(1, width - name_width - 2 * len(GAP)))
            yield f"{GAP}{header}{' ' * (name_width - cell_len(header))}{GAP}{first}"
            yield from (f"{GAP}{' ' * name_width}{GAP}{line}" for line in more)

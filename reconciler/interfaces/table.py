"""Tables for people: columns where they fit, else one block a row."""

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len, chop_cells

from reconciler.interfaces.terminal import Terminal, printable

GAP = "  "
_NARROW = 20  # columns that the last cell must have at least to be folded in its column

Row = Sequence[str]


def say_table(
    terminal: Terminal,
    headers: Row,
    rows: Sequence[Row],
    *,
    styles: Sequence[str] = (),
) -> None:
    """Print a table; nothing if it has no rows.

    Args:
        terminal: where to, and how wide it is.
        headers: names of the columns.
        rows: see :func:`table_lines`.
        styles: of the rows; none: all are plain.
    """
    table = table_lines(headers, rows, width=terminal.width)
    for number, line in table if rows else ():
        style = "bold" if number is None else (styles[number] if styles else "")
        terminal.say(line, style)


def say_facts(terminal: Terminal, title: str, facts: Mapping[str, str]) -> None:
    """Print a block: a title, then ``name  value`` for what has a value."""
    headers, row = ("", *facts), tuple(map(printable, (title, *facts.values())))
    for number, line in enumerate(_block(headers, row, terminal.width)):
        terminal.say(line, "" if number else "bold")


def table_lines(
    headers: Row, rows: Sequence[Row], *, width: int
) -> Iterator[tuple[int | None, str]]:
    """Yield the lines of a table, none wider than ``width`` cells (a wide character has two).

    All columns but the last are as wide as they need to be; the last one is folded if need be.
    Where that leaves too little for it, each row is a block of its own: the first cell, then
    ``name  value`` for the others.

    Args:
        headers: names of the columns.
        rows: as many cells each; an empty cell is left out of a block.
        width: of the terminal.

    Yields:
        The number of the row (None for the headers), and a line.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    sizes = [max(map(cell_len, column)) for column in zip(headers, *cells, strict=True)]
    fixed = sum(sizes[:-1]) + len(GAP) * (len(sizes) - 1)
    if fixed + min(sizes[-1], _NARROW) <= width:
        yield None, _row([header.upper() for header in headers], sizes, width - fixed)[0]
        for number, row in enumerate(cells):
            yield from ((number, line) for line in _row(row, sizes, width - fixed))
    else:
        for number, row in enumerate(cells):
            yield from ((number, line) for line in _block(headers, row, width))


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


def _block(headers: Row, row: Row, width: int) -> Iterator[str]:
    yield from fold(row[0], width)
    name_width = max(map(cell_len, headers[1:]))
    for header, cell in zip(headers[1:], row[1:], strict=True):
        if cell:
            first, *more = fold(cell, max(1, width - name_width - 2 * len(GAP)))
            yield f"{GAP}{header}{' ' * (name_width - cell_len(header))}{GAP}{first}"
            yield from (f"{GAP}{' ' * name_width}{GAP}{line}" for line in more)

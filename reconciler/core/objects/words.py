"""What others say, made fit for a line of ours."""

MAX_WORDS = 300


def one_line(text: str) -> str:
    """Return a text in one line, and not endless."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"

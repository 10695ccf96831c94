"""The lines of a text file: comments cut, continued lines joined."""

from __future__ import annotations

from collections.abc import Iterator

from .reading import Source


def statements(source: Source) -> Iterator[tuple[int, str]]:
    """Each line that says something, with its number; `#` begins a comment.

    A line that ends in a backslash goes on in the next; its number is that of the first.
    """
    held: list[str] = []
    first = 0
    for number, line in enumerate(source.text().split("\n"), 1):
        if "#" in line:
            line = line[: line.index("#")]
        line = line.strip()
        if line.endswith("\\"):
            first = first or number
            held.append(line[:-1])
        elif held:
            held.append(line)
            if text := " ".join(held).strip():
                yield first, text
            held, first = [], 0
        elif line:
            yield number, line
    if held:
        raise source.error(first, "the file ends within a continued line", "complete lines")

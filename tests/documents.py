"""The code of README and documents, paragraph by paragraph."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/README.md"))
)
SHELL = (
    *("gatewright", "pip", "make", "cd", "python", "python3", "torchrun", "export", "node"),
    *(".venv/bin/python", "compute-sanitizer"),
)


@dataclass(frozen=True)
class Paragraph:
    """Lines of code: where they begin, their language if they are fenced, and their text."""

    line: int
    language: str
    text: str

    @property
    def is_shell(self) -> bool:
        return not self.language and self.text.split()[0] in SHELL

    @property
    def is_python(self) -> bool:
        """Fenced as such, or indented and neither commands nor what a command printed."""
        if self.language or self.is_shell:
            return self.language == "python"
        try:
            ast.parse(self.text)
        except SyntaxError:
            return False
        return True

    def commands(self) -> Iterator[list[str]]:
        """The words of each command, without comments."""
        for line in re.sub(r"\\\n\s*", " ", self.text).splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def paragraphs(document: str) -> list[Paragraph]:
    """The code of a document: what is fenced as a whole, what is indented between blank lines."""
    found, lines, language, before = [], [], None, ""
    for number, line in enumerate([*(ROOT / document).read_text().splitlines(), ""], 1):
        if line.startswith("```") or (language is None and lines and not line.startswith("    ")):
            if lines:
                found.append(Paragraph(number - len(lines), language or "", "\n".join(lines)))
            lines = []
        if line.startswith("```"):
            language = line[3:] if language is None else None
        elif language is not None:
            lines.append(line)
        elif line.startswith("    ") and (lines or not before):
            lines.append(line[4:])
        before = line
    return found

"""The progress bar of `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..extras import need


class Reporter:
    """A bar with loss and accuracies, or nothing at all."""

    def __init__(self, total: int, visible: bool) -> None:
        self._bar = _bar(total) if visible else None

    def __enter__(self) -> Reporter:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, checks: Sequence[Any]) -> None:
        """Show where a resumed run is; `checks` are those made before."""
        if self._bar is not None and checks:
            self._bar.update(self._bar.task_ids[0], completed=checks[-1].step)
            self.show(checks[-1])

    def advance(self) -> None:
        """One step was taken."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def show(self, check: Any) -> None:
        """Show a `Check` beside the bar."""
        if self._bar is not None:
            text = (
                f"loss {check.loss:.3f} relaxed {check.relaxed:.1%} discrete {check.discrete:.1%} "
                f"gap {check.gap:+.1%}"
            )
            self._bar.update(self._bar.task_ids[0], seen=text)


def _bar(total: int) -> Any:
    rich = need("rich.progress", "the progress bar; progress=False does without")
    bar = rich.Progress(
        rich.BarColumn(bar_width=9),  # with the rest, 80 columns
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[seen]}"),
    )
    bar.add_task("training", total=total, seen="")
    return bar

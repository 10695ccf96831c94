"""The learning curve as a picture: SVG, readable on light and on dark backgrounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .history import Check

_LEFT, _RIGHT, _WIDTH = 64, 620, 720
_STYLE = """\
text { font: 13px sans-serif; fill: #333 } .end { text-anchor: end } .middle { text-anchor: middle }
path { fill: none; stroke: #888; stroke-width: 2 } .grid { stroke: #888; stroke-opacity: 0.3 }
path.relaxed { stroke: #e67000 } path.discrete { stroke: #2a7de1 }
text.relaxed { fill: #e67000 } text.discrete { fill: #2a7de1 }
.gap { fill: #e67000; fill-opacity: 0.2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }"""


def curve(checks: Sequence[Check]) -> str:
    """An SVG of relaxed and discrete accuracy, the gap between them shaded, and loss, by step.

    checks: one or more, in order.
    """
    steps = [check.step for check in checks]
    relaxed = [100 * check.relaxed for check in checks]
    discrete = [100 * check.discrete for check in checks]
    losses = [check.loss for check in checks]
    above = _Panel(steps, [*relaxed, *discrete], top=28, bottom=248)
    below = _Panel(steps, [0.0, *losses], top=288, bottom=388)
    there, back = above.points(relaxed), above.points(discrete)[::-1]
    parts = [
        *above.grid("accuracy, %"),
        f'<polygon class="gap" points="{" ".join([*there, *back])}"/>',
        above.line("relaxed", relaxed),
        above.line("discrete", discrete),
        *_labels(above, {"relaxed": relaxed[-1], "discrete": discrete[-1]}),
        *below.grid("loss"),
        below.line("loss", losses),
        *_labels(below, {"loss": losses[-1]}),
        *(
            f'<text class="middle" x="{below.x(step):.1f}" y="408">{step:g}</text>'
            for step in _ticks(0, steps[-1])
            if step <= steps[-1]
        ),
        f'<text class="middle" x="{(_LEFT + _RIGHT) / 2}" y="428">step</text>',
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} 440">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"


class _Panel:
    """Axes between two heights: steps from 0 to the right, round numbers upwards."""

    def __init__(
        self, steps: Sequence[int], values: Iterable[float], top: int, bottom: int
    ) -> None:
        values = list(values)
        self.steps, self.top, self.bottom = steps, top, bottom
        self.ticks = _ticks(min(values), max(values))
        self.low = min(self.ticks[0], *values)
        self.high = max(self.ticks[-1], *values)

    def x(self, step: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * step / self.steps[-1]

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low or 1)
        return self.bottom - (self.bottom - self.top) * share

    def points(self, values: Sequence[float]) -> list[str]:
        pairs = zip(self.steps, values, strict=True)
        return [f"{self.x(step):.1f},{self.y(value):.1f}" for step, value in pairs]

    def line(self, name: str, values: Sequence[float]) -> str:
        points = self.points(values)
        return f'<path class="{name}" d="M{" L".join([*points, points[-1]])}"/>'

    def grid(self, title: str) -> list[str]:
        rows = [f'<text x="{_LEFT}" y="{self.top - 12}">{title}</text>']
        for tick in self.ticks:
            y = f"{self.y(tick):.1f}"
            rows += [
                f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}"/>',
                f'<text class="end" x="{_LEFT - 8}" y="{y}" dy="4">{tick:g}</text>',
            ]
        return rows


def _labels(panel: _Panel, last: dict[str, float]) -> list[str]:
    """Names at the right ends of lines, moved apart where they would overlap."""
    rows, floor = [], -math.inf
    for name, value in sorted(last.items(), key=lambda item: -item[1]):
        floor = max(panel.y(value) + 4, floor + 16)
        place = f'x="{_RIGHT + 8}" y="{floor:.1f}"'
        rows.append(f'<text class="{name}" {place}>{name} {value:.3g}</text>')
    return rows


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, about five, that cover what lies between."""
    rough = (high - low) / 5 or 1.0
    scale = 10.0 ** math.floor(math.log10(rough))
    unit = next(scale * factor for factor in (1, 2, 5, 10) if rough <= scale * factor)
    first = math.floor(low / unit)
    return [round(unit * n, 10) for n in range(first, math.ceil(high / unit) + 1)]

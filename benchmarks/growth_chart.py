"""The chart of `growth.py`: a plain SVG, readable on light and on dark pages."""

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from xml.sax.saxutils import escape

Lines = Mapping[str, Sequence[tuple[int, float]]]
"""Path -> (how many people or events, ratio)."""

WIDTH, HEIGHT = 360, 220
"""Of one panel."""
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 34, 34
LEGEND = 30
TARGET = 1.2
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
COLORS = ("#3b82c4", "#d97706", "#3a9d5d", "#b5539c", "#8a6fd1", "#7c7c7c")
INK = "#7a7a7a"
"""Grey with enough contrast on white and on black. The background is that of the page."""


def draw(panels: Mapping[str, Mapping[str, Lines]], *, of: str = "people") -> str:
    """Return the SVG. Each database is a row, and each measure a panel in it. `of` is what there is ever more of."""
    rows = [list(measures.items()) for measures in panels.values()]
    ratios = [ratio for row in rows for _, lines in row for points in lines.values() for _, ratio in points]
    top = max(1.5, max(ratios) * 1.05)
    width, height = WIDTH * len(rows[0]), HEIGHT * len(rows) + LEGEND
    style = f'font-family="system-ui, sans-serif" font-size="11" fill="{INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" {style}>',
        f"<title>Cost of each hot path by the number of {of}, compared with the smallest number</title>",
    ]
    for down, (database, row) in enumerate(zip(panels, rows, strict=True)):
        for right, (measure, lines) in enumerate(row):
            parts.append(f'<g transform="translate({right * WIDTH} {down * HEIGHT})">')
            parts += _panel(f"{NAMES.get(database, database)}: {measure}", lines, top)
            parts.append("</g>")
    parts += _legend(rows[0][0][1], HEIGHT * len(rows) + LEGEND // 2)
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, lines: Lines, top: float) -> Iterator[str]:
    sizes = sorted({size for points in lines.values() for size, _ in points})
    first, last = log10(sizes[0]), log10(sizes[-1])

    def x(size: int) -> float:
        return LEFT + (log10(size) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def y(ratio: float) -> float:
        return HEIGHT - BOTTOM - ratio / top * (HEIGHT - TOP - BOTTOM)

    yield f'<text x="{LEFT}" y="18" font-size="13" font-weight="600">{escape(title)}</text>'
    for step in range(int(top / 0.5) + 1):
        at, ratio = y(step * 0.5), step * 0.5
        height = f'y1="{at:.1f}" y2="{at:.1f}"'
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" {height} stroke="{INK}" stroke-opacity="0.3"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{ratio:.1f}</text>'
    target = f'y1="{y(TARGET):.1f}" y2="{y(TARGET):.1f}" stroke="{INK}" stroke-dasharray="4 4"'
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" {target}/>'
    for size in sizes:
        yield f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_short(size)}</text>'
    for color, points in zip(COLORS, lines.values(), strict=False):
        corners = " ".join(f"{x(size):.1f},{y(ratio):.1f}" for size, ratio in points)
        yield f'<polyline points="{corners}" fill="none" stroke="{color}" stroke-width="2"/>'
        for size, ratio in points:
            yield f'<circle cx="{x(size):.1f}" cy="{y(ratio):.1f}" r="3" fill="{color}"/>'


def _legend(lines: Lines, at: int) -> Iterator[str]:
    for place, (color, path) in enumerate(zip(COLORS, lines, strict=False)):
        left = LEFT + place * 132
        yield f'<rect x="{left}" y="{at - 9}" width="10" height="10" rx="2" fill="{color}"/>'
        yield f'<text x="{left + 16}" y="{at}">{escape(path)}</text>'


def _short(size: int) -> str:
    return f"{size / 1_000_000:g} M" if size >= 1_000_000 else f"{size / 1000:g} k"

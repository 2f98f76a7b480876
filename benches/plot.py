"""Draws bar charts as SVG, readable on light and dark pages."""

from __future__ import annotations

from html import escape

_WIDTH, _ROW, _TOP, _LEFT, _RIGHT = 720, 34, 58, 190, 110
_OURS, _OTHERS = "#2f81f7", "#8c959f"


def bars(title: str, subtitle: str, values: list[tuple[str, float, str]], ours: str) -> str:
    """Return a chart with one bar for each label, value, and text of the value.

    The bar with the label *ours* stands out.
    """
    height = _TOP + _ROW * len(values) + 14
    longest = max(value for _, value, _ in values)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        "<style>text{font:14px system-ui,sans-serif;fill:#24292f}.s{fill:#57606a;font-size:12px}"
        ".t{font-weight:600}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#8d96a0}}</style>",
        f'<text x="12" y="24" class="t">{escape(title)}</text>',
        f'<text x="12" y="43" class="s">{escape(subtitle)}</text>',
    ]
    for row, (label, value, text) in enumerate(values):
        top = _TOP + _ROW * row
        length = max(2.0, (_WIDTH - _LEFT - _RIGHT) * value / longest)
        colour = _OURS if label == ours else _OTHERS
        middle = top + _ROW / 2 + 1
        parts += [
            f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LEFT}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 12}" rx="3" '
            f'fill="{colour}"/>',
            f'<text x="{_LEFT + length + 8:.1f}" y="{middle}">{escape(text)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])

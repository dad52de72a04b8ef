# Copyright (c) 2026 The onionfleet.balance developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Picture as text that Mermaid or Graphviz draws.

Module Overview:

    FORMATS    name of a format -> the function that writes it
    mermaid    for the Markdown of repositories
    markdown   the same in a code block
    dot        for Graphviz
    STYLES     how each state looks, and what the legend says of it
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.onionfleet.balance.plugins.plugin_utils._picture.picture import Box, Drawn, Picture

Thing = t.TypeVar("Thing")


@dataclasses.dataclass(frozen=True)
class Style:
    """How a state looks: its words in the legend, colours, the line to it (Mermaid's arrow, Graphviz's attributes)."""

    legend: str
    fill: str
    border: str
    arrow: str = "-->"
    edge: str = ""
    dashed: bool = False


# each also says in words what it is: colours are not for everybody
STYLES: t.Mapping[str, Style] = {
    "planned": Style("planned", "#eef1f5", "#5b6b7f"),
    "publishes": Style("publishes now", "#bfdcff", "#0b4f9e", "==>", 'penwidth=3, color="#0b4f9e"'),
    "up": Style("runs", "#e0f3dc", "#3b7d35"),
    "standby": Style("runs, stands by", "#f3faf1", "#7fa67a", "-.->", "style=dashed"),
    "unlisted": Style("runs, in no descriptor", "#fffbe0", "#a08a1e", "-.->", "style=dashed"),
    "drained": Style("drained", "#e4e1ec", "#6b5b95", "-.->", "style=dashed"),
    "partly": Style("not all of it works", "#ffe3b0", "#b26a00"),
    "dead": Style("DEAD", "#ffc9c4", "#b3261e", "--x", 'style=dotted, color="#b3261e", arrowhead=teetee', dashed=True),
    "unknown": Style("not known", "#ffffff", "#808080", "-.->", "style=dashed", dashed=True),
}
INK = "#1c1c1c"
# ASCII that could mean something in one of the languages is written as the number of the character. A colon before
# anything but a space does: Mermaid cuts lines with "style" that go on with a colon and such a number.
MEANINGFUL = re.compile("(?![A-Za-z0-9 .,:()/-])[\\x00-\\x7f]|:(?! )")


def _escaped(text: str, entity: str) -> str:
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return MEANINGFUL.sub(lambda found: entity.format(ord(found[0])), shown)


def _used(picture: Picture) -> t.List[str]:
    boxes = [box for service in picture.services for box in (service.address, *service.publishers, *service.instances)]
    used = {box.state for box in boxes}
    return [state for state in STYLES if state in used]


def _backwards(things: t.Sequence[Thing]) -> t.List[t.Tuple[int, Thing]]:
    """Both programs lay out from left to right with the first one at the bottom."""
    return list(enumerate(things, 1))[::-1]


# --- Mermaid


def mermaid(picture: Picture) -> str:
    """A flowchart of Mermaid, https://mermaid.js.org/syntax/flowchart.html ."""
    lines = ['%%{init: {"flowchart": {"wrappingWidth": 420}}}%%', "flowchart LR"]
    for number, service in _backwards(picture.services):
        lines += [f"  {line}" for line in _mermaid_service(f"s{number}", service)]
    used = _used(picture)
    lines += [f'  subgraph legend["{_of_mermaid(picture.title)}"]', "    direction LR"]
    lines += [f'    l{state}["{STYLES[state].legend}"]:::{state}' for state in used]
    lines += [f"    {' ~~~ '.join(f'l{state}' for state in used)}"] if len(used) > 1 else []
    lines.append("  end")
    for state in used:
        style = STYLES[state]
        dash = ",stroke-dasharray:5 4" if style.dashed else ""
        lines.append(f"  classDef {state} fill:{style.fill},stroke:{style.border},stroke-width:2px,color:{INK}{dash}")
    groups = ["legend", *(f"s{number}" for number in range(1, len(picture.services) + 1))]
    lines += ["  classDef group fill:none,stroke:#9aa4b0", f"  class {','.join(groups)} group"]
    return "\n".join(lines) + "\n"


def markdown(picture: Picture) -> str:
    """Mermaid in a code block, as the Markdown of code hosts draws it."""
    return f"```mermaid\n{mermaid(picture)}```\n"


def _mermaid_service(mark: str, service: Drawn) -> t.Iterator[str]:
    address = f"{mark}a"
    yield f'subgraph {mark}["{_of_mermaid(f"{service.name} ({service.layout})")}"]'
    yield "  direction LR"
    yield f"  {address}([{_mermaid_label(service.address)}]):::{service.address.state}"
    for number, box in enumerate(service.publishers, 1):
        yield f"  {mark}p{number}[{_mermaid_label(box)}]:::{box.state} {STYLES[box.flow].arrow} {address}"
    for number, box in enumerate(service.instances, 1):
        yield f"  {address} {STYLES[box.flow].arrow} {mark}i{number}[{_mermaid_label(box)}]:::{box.state}"
    yield "end"


def _mermaid_label(box: Box) -> str:
    return '"{}"'.format("<br/>".join(map(_of_mermaid, (box.title, *box.lines))))


def _of_mermaid(text: str) -> str:
    return _escaped(text, "#{};")


# --- Graphviz


def dot(picture: Picture) -> str:
    """A graph in the DOT language, https://graphviz.org/doc/info/lang.html , with HTML-like labels."""
    lines = [
        "digraph onionfleet {",
        '  graph [rankdir=LR, fontname="Helvetica", fontsize=13, nodesep=0.12, ranksep=0.9, pad=0.2]',
        f"  graph [labelloc=t, labeljust=l, label=<{_dot_legend(picture)}>]",
        f'  node [shape=box, style=filled, fontname="Helvetica", fontsize=11, fontcolor="{INK}", margin="0.16,0.07"]',
        '  edge [color="#555555", arrowsize=0.7]',
    ]
    for number, service in _backwards(picture.services):
        lines += [f"  {line}" for line in _dot_service(f"s{number}", service)]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_service(mark: str, service: Drawn) -> t.Iterator[str]:
    address = f"{mark}a"
    yield f"subgraph cluster_{mark} {{"
    yield (
        f"  label=<<b>{_of_dot(service.name)}</b> ({_of_dot(service.layout)})>; "
        'style=rounded; color="#9aa4b0"; margin=12; labeljust=c'
    )
    yield f'  {address} [{_dot_node(service.address)}, style="rounded,filled"]'
    for number, box in enumerate(service.publishers, 1):
        yield f"  {mark}p{number} [{_dot_node(box)}]"
        yield f"  {mark}p{number} -> {address} [{STYLES[box.flow].edge}]"
    for number, box in _backwards(service.instances):
        yield f"  {mark}i{number} [{_dot_node(box)}]"
        yield f"  {address} -> {mark}i{number} [{STYLES[box.flow].edge}]"
    yield "}"


def _dot_node(box: Box) -> str:
    style = STYLES[box.state]
    below = "".join(f'<br/><font point-size="9">{_of_dot(line)}</font>' for line in box.lines)
    dash = ', style="filled,dashed"' if style.dashed else ""
    return (
        f"label=<<b>{_of_dot(box.title)}</b>{below}>, "
        f'fillcolor="{style.fill}", color="{style.border}", penwidth=1.6{dash}'
    )


def _dot_legend(picture: Picture) -> str:
    cells = "".join(
        f'<td bgcolor="{STYLES[state].fill}" color="{STYLES[state].border}" border="2">{STYLES[state].legend}</td>'
        for state in _used(picture)
    )
    # the last column takes what the title needs beyond the legend
    title = f'<td align="left" colspan="{len(STYLES) + 1}">{_of_dot(picture.title)}</td>'
    return f'<table border="0" cellspacing="6" cellpadding="4"><tr>{title}</tr><tr>{cells}<td></td></tr></table>'


def _of_dot(text: str) -> str:
    # Graphviz takes \\N for the name of the node, even with the backslash as a number
    return _escaped(text.replace("\\", "\\\\"), "&#{};")


FORMATS: t.Mapping[str, t.Callable[[Picture], str]] = {"dot": dot, "markdown": markdown, "mermaid": mermaid}

"""The source viewer: a loaded document as a safe HTML page with an id at each heading."""

import re
from collections.abc import Iterator
from html import escape

from knowledge.document import Block, LoadedDocument
from knowledge.load.highlight import BEGIN, END, highlighted
from knowledge.load.outline import CELL_SEPARATOR, INDENT

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;
color:#1c2024;background:#fff}
h1,h2,h3,h4,h5,h6{line-height:1.25;margin:2rem 0 .6rem}
:target{background:#fff3bf;scroll-margin-top:1rem}
mark,mark:target{background:#ffe066;color:inherit;padding:.05em 0;scroll-margin-top:6rem}
li,p{overflow-wrap:anywhere;white-space:pre-line}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.95rem}
th,td{border:1px solid #c9ced6;padding:.35rem .6rem;text-align:left;vertical-align:top}
th{background:#f2f4f7}
pre{background:#f2f4f7;padding:.8rem;overflow-x:auto}
.page{color:#68707c;font-size:.85rem}
@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}
th,pre{background:#22272e}th,td{border-color:#3b424c}:target{background:#5c4a00}mark,mark:target{background:#7a6200}.page{color:#9aa3af}}
"""
_ITEM = re.compile(r"^(?P<indent> *)(?P<marker>-|\d+\.) ?(?P<text>.*)$")


def render_html(document: LoadedDocument, title: str, quote: str = "") -> str:
    """A page without script, links or pictures; every text is escaped. Where the quote is found it is marked,
    and `#quote` leads there.

    Serve it with a policy that allows inline style only:
    `Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox`.
    """
    shown = escape(title)
    body = "\n".join(_body(highlighted(document, quote), title))
    body = body.replace(BEGIN, '<mark id="quote">', 1).replace(BEGIN, "<mark>").replace(END, "</mark>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{shown}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(document: LoadedDocument, title: str) -> Iterator[str]:
    headings = (block.text.casefold() for block in document.blocks if block.level == 1)
    if title.casefold() not in headings:
        yield f"<h1>{escape(title)}</h1>"
    page = None
    for block in document.blocks:
        if block.page is not None and block.page != page:
            page = block.page
            yield f'<p class="page">Page {page}</p>'
        yield _block(block)


def _block(block: Block) -> str:
    if block.kind == "heading":
        return f'<h{block.level} id="{escape(block.anchor)}">{escape(block.text)}</h{block.level}>'
    if block.kind == "table":
        return _table(block.text)
    if block.kind == "list":
        return _list(block.text)
    if block.kind == "code":
        return f"<pre><code>{escape(block.text)}</code></pre>"
    return f"<p>{escape(block.text)}</p>"


def _table(text: str) -> str:
    header, *rows = [line.split(CELL_SEPARATOR) for line in text.split("\n")]
    width = max(len(header), *(len(row) for row in rows)) if rows else len(header)
    return (
        f'<div class="scroll"><table><thead>{_row(header, "th", width)}</thead>'
        f"<tbody>{''.join(_row(row, 'td', width) for row in rows)}</tbody></table></div>"
    )


def _row(cells: list[str], tag: str, width: int) -> str:
    padded = cells + [""] * (width - len(cells))
    return f"<tr>{''.join(f'<{tag}>{escape(value)}</{tag}>' for value in padded)}</tr>"


def _list(text: str) -> str:
    """Items at their depth; a line without a marker belongs to the item above."""
    parts: list[str] = []
    open_tags: list[str] = []
    for line in text.split("\n"):
        item = _ITEM.match(line)
        if item is None or (not open_tags and not item.group("text")):
            parts.append(f"\n{escape(line.strip())}")
            continue
        depth = min(len(item.group("indent")) // len(INDENT), len(open_tags))
        while len(open_tags) > depth + 1:
            parts.append(f"</li></{open_tags.pop()}>")
        parts.append(_open_item(open_tags, depth, item.group("marker")))
        parts.append(escape(item.group("text")))
    parts += [f"</li></{tag}>" for tag in reversed(open_tags)]
    return "".join(parts) if open_tags else f"<p>{''.join(parts).strip()}</p>"


def _open_item(open_tags: list[str], depth: int, marker: str) -> str:
    tag = "ul" if marker == "-" else "ol"
    start = f' start="{int(marker[:-1])}"' if tag == "ol" and marker != "1." else ""
    if len(open_tags) == depth:
        open_tags.append(tag)
        return f"<{tag}{start}><li>"
    if open_tags[depth] == tag:
        return "</li><li>"
    closed, open_tags[depth] = open_tags[depth], tag
    return f"</li></{closed}><{tag}{start}><li>"

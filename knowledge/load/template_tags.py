"""Cleans the tags of site generators (Liquid, Nunjucks, Jinja, Hugo) out of Markdown and HTML sources.

What a reader of the built site would see stays (titles of alerts, captions, channel names, link targets);
what only steers the generator goes. Code keeps its braces, since there they are what the page is about.
"""

import re

# Lengths are bounded, so that thousands of opened and never closed tags cost no quadratic time.
_COMMENT = re.compile(
    r"\{%-?\s*comment\b[^%]{0,200}%\}.{0,20000}?\{%-?\s*endcomment\s*-?%\}|\{#(?=\s).{0,20000}?#\}", re.DOTALL
)
_RAW_MARK = re.compile(r"\{%-?\s*(?:end)?(?:raw|verbatim)\s*-?%\}")
_RAW = re.compile(
    r"\{%-?\s*(?P<kind>raw|verbatim)\s*-?%\}(?P<inside>.{0,20000}?)\{%-?\s*end(?P=kind)\s*-?%\}", re.DOTALL
)
_TAG = re.compile(
    r"\{%-?(?P<statement>(?:[^%]|%(?!\})){0,500}?)-?%\}"
    r"|\{\{(?P<expression>(?:[^}]|\}(?!\})){0,500})\}\}",
    re.DOTALL,
)
_FENCE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_CODE_SPAN = re.compile(r"(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)")
_STRING = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_NAME = re.compile(r"[\w-]+")

# Tags that stand for an address; the rest of the tag vocabulary differs from site to site.
_ADDRESS = re.compile(r"^(?:page|link|url|post_url|download|ref|relref|asset|static|path)", re.IGNORECASE)
_CHANNEL = re.compile(r"channel", re.IGNORECASE)
_PICTURE = re.compile(r"^(?:image|img|figure|picture|screenshot)", re.IGNORECASE)
_LOOKS_LIKE_PATH = re.compile(r"^[\w./-]*(?:/|\.(?:png|jpe?g|gif|svg|webp))[\w./-]*$", re.IGNORECASE)


def clean_template_tags(source: str, *, code_fences: bool = True) -> str:
    """The source without generator tags. `code_fences`: Markdown code (fenced, spans) is left alone."""
    if "{%" not in source and "{{" not in source and "{#" not in source:
        return source
    pieces: list[str] = []
    position = 0
    for start, end in _code_spans(source) if code_fences else []:
        if start < position:
            continue
        pieces.append(_clean(source[position:start]))
        pieces.append(_RAW_MARK.sub("", source[start:end]))
        position = end
    pieces.append(_clean(source[position:]))
    return "".join(pieces)


def _code_spans(source: str) -> list[tuple[int, int]]:
    fences = [match.span() for match in _FENCE.finditer(source)]
    spans = [match.span() for match in _CODE_SPAN.finditer(source)]
    outside = [span for span in spans if not any(a <= span[0] < b for a, b in fences)]
    return sorted(fences + outside)


def _clean(text: str) -> str:
    kept: list[str] = []
    position = 0
    without_comments = _COMMENT.sub("", text)
    for raw in _RAW.finditer(without_comments):
        kept.append(_TAG.sub(_visible, without_comments[position : raw.start()]))
        kept.append(raw.group("inside"))
        position = raw.end()
    kept.append(_TAG.sub(_visible, without_comments[position:]))
    return "".join(kept)


def _visible(match: re.Match[str]) -> str:
    if match.group("expression") is not None:
        return ""
    statement = match.group("statement")
    name = _NAME.search(statement)
    word = name.group() if name else ""
    strings = [double or single for double, single in _STRING.findall(statement)]
    if not strings or not strings[0]:
        return ""
    return _shown(word, strings)


def _shown(word: str, strings: list[str]) -> str:
    if _CHANNEL.search(word):
        return strings[0] if strings[0].startswith("#") else f"#{strings[0]}"
    if _ADDRESS.match(word):
        return strings[0].replace(" ", "%20")
    if _PICTURE.match(word):
        return next((text for text in reversed(strings) if not _LOOKS_LIKE_PATH.match(text)), "")
    return strings[0] if " " in strings[0].strip() else ""

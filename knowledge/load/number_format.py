"""Numbers as a spreadsheet shows them: decimals, thousands, per cent, currency (ECMA-376 part 1, 18.8.31)."""

import re
from functools import lru_cache

_SECTIONS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|(?P<dropped>\[[^\]]*\]|[_*].)'
    r"|(?P<number>[#0?][#0?,]*(?:\.[#0?]*)?,*|\.[#0?]+,*)|(?P<literal>.)",
    re.DOTALL,
)
_MAX_DECIMALS = 15


def formatted(value: float, code: str) -> str:
    """`value` by the format `code` of its cell; formats that are not plain numbers leave it as it is."""
    sections = _SECTIONS.split(code)
    if value < 0 and len(sections) > 1:
        # The second section shows the sign itself, or brackets.
        return _by_section(-value, sections[1], code)
    if value == 0 and len(sections) > 2:
        return _by_section(value, sections[2], code)
    return _by_section(value, sections[0], code)


def plain(value: float) -> str:
    return f"{value:.10g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)


def _by_section(value: float, section: str, code: str) -> str:
    parts = _parsed(section)
    if parts is None:
        return plain(-value) if section != _SECTIONS.split(code)[0] and value else plain(value)
    before, pattern, after = parts
    if not pattern:
        # Such a section shows the same words for every number.
        return (before + after).strip() or plain(value)
    percent = "%" in before + after
    digits = _digits(abs(value) * (100 if percent else 1), pattern)
    sign = "-" if value < 0 and any(digit in digits for digit in "123456789") else ""
    return f"{sign}{before}{digits}{after}".strip()


@lru_cache(maxsize=500)
def _parsed(section: str) -> tuple[str, str, str] | None:
    """(what stands before, the pattern of the number, what stands after); None for no plain number."""
    if not section or re.search(r"general|e[+-]|@", section, re.IGNORECASE):
        return None
    before, pattern, after = "", "", ""
    for token in _TOKEN.finditer(section):
        if token.group("number"):
            if pattern:
                # Two numbers in one format: a fraction, a telephone number.
                return None
            pattern = token.group("number")
            continue
        text = token.group("quoted") or token.group("escaped") or token.group("currency")
        text = text or token.group("literal") or ""
        before, after = (before, after + text) if pattern else (before + text, after)
    return before, pattern, after


def _digits(value: float, pattern: str) -> str:
    bare = pattern.rstrip(",")
    whole, _, fraction = bare.partition(".")
    # Commas behind the last digit show thousands or millions.
    scaled = value / 1000 ** (len(pattern) - len(bare))
    grouped = "," in whole
    decimals, fixed = min(len(fraction), _MAX_DECIMALS), fraction.count("0")
    text = f"{scaled:,.{decimals}f}" if grouped else f"{scaled:.{decimals}f}"
    while decimals > fixed and text.endswith("0"):
        text, decimals = text[:-1], decimals - 1
    return text.rstrip(".") if decimals == 0 else text

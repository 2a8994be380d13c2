"""HTML element names by what they mean for reading."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


HEADINGS = {f"h{level}": level for level in range(1, 7)}
CELLS = _names("td th")
# Nothing in these is text of the page.
DROPPED = _names(
    "script style noscript template svg canvas iframe object embed audio video head link meta input "
    "select textarea option datalist map area param source track dialog"
)
BLOCKS = frozenset(HEADINGS) | _names(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer "
    "form header hgroup hr html legend li main menu nav ol p pre section summary table ul search "
    "caption tbody tfoot thead tr td th"
)
INLINE = _names(
    "a abbr acronym b bdi bdo big br button cite code data del dfn em font i img ins kbd label mark q rp rt "
    "ruby s samp small span strike strong sub sup time tt u var wbr picture"
)
KNOWN = BLOCKS | INLINE | DROPPED | CELLS | _names("col colgroup")

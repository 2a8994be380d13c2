"""HTML pages without what stands around their content."""

import textwrap

from knowledge.load import load
from tests.knowledge.load.made import shown

PAGE = """<!doctype html>
<html><head><title>Tides | Harbourline</title><meta name="description" content="When to sail">
<style>p{color:red}</style></head>
<body><header><a href="/">Home</a><h2>Harbourline</h2></header><nav><ul><li>Menu</li></ul></nav>
<main><h1>Tides <a class="headerlink" href="#tides">¶</a></h1>
<p>High water is at <b>06:40</b>
   and at 19:05.<br>Ask the duty master.</p>
<ul><li>Spring<ul><li>large</li></ul></li><li><p>Neap</p><p>small</p></li></ul>
<dl><dt>HAT</dt><dd>highest tide</dd></dl>
<table><caption>Berths</caption>
<tr><th rowspan=2>Wharf</th><th colspan=2>Depth</th></tr><tr><th>Low</th><th>High</th></tr>
<tr><td>A</td><td>4</td><td>6</td></tr></table>
<pre>
sail --now
  --slow</pre>
<div hidden>Details in the annex.</div><span aria-hidden="true">*</span>
<button>Copy</button><form><input value="x"></form>
</main><footer>Imprint</footer><script>track()</script></body></html>"""


def test_only_the_main_content_is_read_with_its_structure() -> None:
    document = load(PAGE.encode(), "tides.html")

    assert document.title == "Tides"
    assert document.content_type == "text/html"
    assert document.metadata["description"] == "When to sail"
    assert shown(document.blocks) == textwrap.dedent(
        """\
        heading1: Tides
        paragraph: High water is at 06:40 and at 19:05.
        Ask the duty master.
        list: - Spring
          - large
        - Neap
          small
        list: - HAT: highest tide
        paragraph: Berths
        table: Wharf | Depth
        Wharf | Low | High
        A | 4 | 6
        code: sail --now
          --slow
        paragraph: Details in the annex."""
    )


def test_tables_that_only_arrange_the_page_are_not_tables() -> None:
    page = "<html><body><table><tr><td><h2>Fares</h2><p>Adults pay 9.</p></td></tr></table></body></html>"

    assert shown(load(page.encode(), "x.html").blocks) == "heading2: Fares\nparagraph: Adults pay 9."


def test_accordions_written_as_lists_become_sections() -> None:
    page = "<body><ul><li><h3><button>Who pays?</button></h3><p>We do.</p></li></ul></body>"

    assert shown(load(page.encode(), "x.html").blocks) == "heading3: Who pays?\nparagraph: We do."


def test_a_template_page_is_read_like_the_built_one() -> None:
    more = '<a href="{% page "/a/" %}">More</a>'
    page = f"---\ntitle: Home\n---\n<section><h2>Welcome</h2><p>{{{{ site.name }}}} {more}</p></section>"

    document = load(page.encode(), "index.html")

    assert document.title == "Home"
    assert shown(document.blocks) == "heading2: Welcome\nparagraph: More"


def test_thousands_of_open_tags_do_not_break_the_reader() -> None:
    page = "<html><body>" + "<div>" * 20_000 + "deep" + "</div>" * 20_000 + "<p>after</p></body></html>"

    assert load(page.encode(), "x.html").blocks[-1].text == "after"

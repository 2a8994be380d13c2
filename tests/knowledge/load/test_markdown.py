"""Markdown as handbooks really write it."""

import contextlib
import textwrap

from knowledge.load import UnreadableDocument, load
from tests.knowledge.load.made import shown


def markdown(source: str, name: str = "page.md") -> str:
    return shown(load(textwrap.dedent(source).encode(), name).blocks)


def test_front_matter_gives_the_title_and_facts_and_is_not_text() -> None:
    facts = "title: Leave types\ntags: [leave, pay]\nstatus: outdated\nreviewed: 2026-03-01"
    source = f"---\n{facts}\n---\nTake leave.\n"

    document = load(source.encode(), "leave.md")

    assert document.title == "Leave types"
    assert document.metadata == {
        "title": "Leave types",
        "tags": ["leave", "pay"],
        "status": "outdated",
        "reviewed": "2026-03-01",
    }
    assert document.text == "Take leave."


def test_broken_front_matter_loses_the_facts_but_not_the_page() -> None:
    document = load(b"---\ntitle: [unclosed\n---\n# Tides\n\nHigh at noon.\n", "tides.md")

    assert document.title == "Tides"
    assert document.metadata == {}


def test_front_matter_with_aliases_is_not_expanded() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\ntitle: Safe"

    document = load(f"---\n{bomb}\n---\ntext\n".encode(), "x.md")

    assert document.metadata == {}
    assert document.text == "text"


def test_a_rule_at_the_top_is_not_front_matter() -> None:
    assert markdown("---\nJust a sentence\n---\n\nMore.\n") == "heading2: Just a sentence\nparagraph: More."


def test_the_title_is_the_first_heading_else_the_file_name() -> None:
    assert load(b"# Sick leave\n\nCall in.\n", "x.md").title == "Sick leave"
    assert load(b"Call in before seven.\n", "people/sick-leave_rules.md").title == "sick leave rules"


def test_structure_becomes_blocks_and_markup_goes() -> None:
    assert markdown(
        """
        # Meals
        You get **68 AUD** a day,
        see [the policy](https://example.org/policy), ![a plate](plate.png).

        - breakfast
          - with `coffee`
        - lunch

          and water
        - [x] dinner

        3. third
        4. fourth

        > Keep receipts.

        | Meal | Rate |
        |---|---:|
        | Lunch | 22 |
        | Tea \\| coffee | 4 |

        ```sh
        claim --all

        echo done
        ```
        """
    ) == textwrap.dedent(
        """\
        heading1: Meals
        paragraph: You get 68 AUD a day, see the policy, a plate.
        list: - breakfast
          - with coffee
        - lunch
          and water
        - dinner
        list: 3. third
        4. fourth
        paragraph: Keep receipts.
        table: Meal | Rate
        Lunch | 22
        Tea / coffee | 4
        code: claim --all
        echo done"""
    )


def test_html_inside_markdown_is_read_as_html() -> None:
    assert markdown(
        """
        <div class="box">

        ## Rates

        <table>
          <tr><th>Zone</th><th>AUD</th></tr>
          <tr><td>City<br>centre</td><td>240</td></tr>
        </table>
        <details><summary>More</summary>Ask <a href="mailto:pay@harbourline.example">payroll</a>.</details>
        <script>alert(1)</script>
        </div>
        """
    ) == textwrap.dedent(
        """\
        heading2: Rates
        table: Zone | AUD
        City; centre | 240
        paragraph: More
        paragraph: Ask payroll (pay@harbourline.example)."""
    )


def test_placeholders_in_angle_brackets_stay() -> None:
    assert markdown("Create a <project>-team channel, write to <ops@example.org>.") == (
        "paragraph: Create a <project>-team channel, write to ops@example.org."
    )


def test_a_mail_link_keeps_its_address_and_a_phone_link_its_number() -> None:
    assert markdown("[Email us](mailto:crew@example.org) or [call](tel:+61255501234).") == (
        "paragraph: Email us (crew@example.org) or call (+61255501234)."
    )
    assert markdown("[crew@example.org](mailto:crew@example.org)") == "paragraph: crew@example.org"


def test_generator_tags_leave_what_a_reader_would_see() -> None:
    assert markdown(
        """
        {% comment %} hidden {% endcomment %}
        {% include "nav.html" level:2 %}
        {% alert "Heads up!" "warning" %}
        Ask in {% slack_channel "people-ops" %} or read [the guide]({% page "/guide/#x" %}).
        {% endalert %}

        {% image "_img/map.png" "a map of the wharf" %}

        Version {{ site.version }} of {% raw %}{{ braces }}{% endraw %}.
        """
    ) == textwrap.dedent(
        """\
        paragraph: Heads up! Ask in #people-ops or read the guide.
        paragraph: a map of the wharf
        paragraph: Version of {{ braces }}."""
    )


def test_code_keeps_its_braces() -> None:
    assert markdown("Use `{{ name }}`.\n\n```yaml\nkey: ${{ secrets.KEY }}\n{% if x %}\n```\n") == (
        "paragraph: Use {{ name }}.\ncode: key: ${{ secrets.KEY }}\n{% if x %}"
    )


def test_attribute_lists_are_not_part_of_headings() -> None:
    document = load(b"## Set up {#set-up-phase}\n\nBegin. {: .lead}\n", "x.md")

    assert shown(document.blocks) == "heading2: Set up\nparagraph: Begin."
    assert document.blocks[0].anchor == "set-up"


def test_text_with_windows_line_ends_and_a_byte_order_mark_is_the_same() -> None:
    assert markdown("\ufeff# A\r\n\r\nb\r\nc\r\n") == "heading1: A\nparagraph: b c"


def test_deep_nesting_is_read() -> None:
    assert markdown("> " * 60 + "x\n\nend\n") == "paragraph: x\nparagraph: end"


def test_nesting_beyond_reason_is_read_or_refused_but_does_not_hang() -> None:
    deep = "> " * 3000 + "x\n\n" + "- " * 500 + "y\n\nend\n"

    with contextlib.suppress(UnreadableDocument):
        load(deep.encode(), "deep.md")


def test_control_characters_do_not_reach_terminals_or_the_database() -> None:
    source = (
        '---\ntitle: "Fees\\0 \\e[31m2026"\ntags: ["a\\0b"]\n---\n'
        "# Fees\x1b[2J\n\nThe fee is \x1b[1m55 AUD.\n"
    )
    document = load(source.encode(), "fees.md")
    assert document.title == "Fees [31m2026"
    assert document.metadata["tags"] == ["ab"]
    assert "The fee is [1m55 AUD." in document.text
    assert "\x1b" not in document.text


def test_text_in_json_holds_no_half_characters() -> None:
    document = load(b'{"title": "a\\u0000b", "said": "x\\ud800y"}', "notes.json")
    assert document.text.encode()
    assert "\0" not in document.text

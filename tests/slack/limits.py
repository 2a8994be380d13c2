# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""Slack's published limits of messages, blocks, elements and views, as a check of a whole payload.

Sources: docs.slack.dev/reference/block-kit (blocks, elements, composition objects), /reference/views,
/reference/methods/chat.* and the constants of slack_sdk.models. One limit is not published, but met by
others (slackapi/bolt-js#2509): `msg_blocks_too_long` from about 13,100 characters of blocks on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
MARKDOWN: Final = 12_000
BLOCKS_OF_A_MESSAGE: Final = 13_000
IN_MESSAGES: Final = frozenset(
    [
        "section",
        "divider",
        "image",
        "actions",
        "context",
        "context_actions",
        "header",
        "markdown",
        "rich_text",
        "table",
        "task_card",
        "plan",
        "alert",
        "card",
        "carousel",
        "container",
        "file",
        "video",
    ]
)
IN_VIEWS: Final = frozenset(
    [
        "section",
        "divider",
        "image",
        "actions",
        "context",
        "header",
        "input",
        "rich_text",
        "video",
        "alert",
        "card",
        "carousel",
        "container",
    ]
)
IN_ACTIONS: Final = frozenset(
    [
        "button",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "overflow",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
        "workflow_button",
    ]
)
INPUTS: Final = frozenset(
    [
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "static_select",
        "multi_static_select",
        "checkboxes",
        "radio_buttons",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "file_input",
        "rich_text_input",
        "users_select",
        "multi_users_select",
        "conversations_select",
        "channels_select",
        "external_select",
    ]
)
SELECTS: Final = frozenset({"static_select", "multi_static_select"})


def of_message(payload: Json) -> list[str]:
    """What Slack would refuse in a chat.* payload; empty: nothing."""
    return list(_message(payload))


def of_view(view: Json) -> list[str]:
    return list(_view(view))


def _message(payload: Json) -> Iterator[str]:
    yield from _length("text", payload.get("text"), 40_000)
    yield from _length("markdown_text", payload.get("markdown_text"), MARKDOWN)
    if payload.get("markdown_text") and (payload.get("blocks") or payload.get("text")):
        yield "markdown_text goes with neither text nor blocks"
    blocks = payload.get("blocks") or []
    yield from _blocks(blocks, MESSAGE_BLOCKS, IN_MESSAGES)
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield "only one table in a message"
    if (size := sum(_size(block) for block in blocks)) > BLOCKS_OF_A_MESSAGE:
        yield f"msg_blocks_too_long: {size} characters in blocks"
    for chunk in payload.get("chunks") or []:
        yield from _chunk(chunk)


def _chunk(chunk: Json) -> Iterator[str]:
    match chunk.get("type"):
        case "markdown_text":
            yield from _length("markdown_text chunk", chunk.get("text"), MARKDOWN, least=1)
        case "task_update":
            yield from _required(chunk, "task_update", "id", "title")
            yield from _length("task title", chunk.get("title"), 256)
            if chunk.get("status") not in {None, "pending", "in_progress", "complete", "error"}:
                yield f"task status {chunk.get('status')!r}"
        case "plan_update":
            yield from _required(chunk, "plan_update", "title")
        case "blocks":
            yield from _blocks(chunk.get("blocks") or [], MESSAGE_BLOCKS, IN_MESSAGES)
        case other:
            yield f"unknown chunk {other!r}"


def _view(view: Json) -> Iterator[str]:
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        yield f"view type {kind!r}"
    blocks = view.get("blocks") or []
    yield from _blocks(blocks, VIEW_BLOCKS, IN_VIEWS)
    yield from _length("private_metadata", view.get("private_metadata"), 3000)
    yield from _length("callback_id", view.get("callback_id"), 255)
    yield from _length("external_id", view.get("external_id"), 255)
    if kind == "modal":
        yield from _plain(view.get("title"), "view title", 24, required=True)
        yield from _plain(view.get("submit"), "view submit", 24)
        yield from _plain(view.get("close"), "view close", 24)
        if any(b.get("type") == "input" for b in blocks) and not view.get("submit"):
            yield "a modal with inputs needs submit"
    elif "title" in view or "submit" in view:
        yield "a home view has neither title nor submit"


def _blocks(blocks: Any, most: int, allowed: frozenset[str]) -> Iterator[str]:
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        yield "blocks is no list"
        return
    if len(blocks) > most:
        yield f"{len(blocks)} blocks, at most {most}"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        yield f"block_id twice in {ids}"
    for number, block in enumerate(blocks):
        if block.get("type") not in allowed:
            yield f"block {number}: type {block.get('type')!r} is not allowed here"
        yield from _length("block_id", block.get("block_id"), 255)
        for wrong in _block(block):
            yield f"block {number} ({block.get('type')}): {wrong}"


def _block(block: Json) -> Iterator[str]:
    match block.get("type"):
        case "section":
            yield from _section(block)
        case "header":
            yield from _plain(block.get("text"), "text", 150, required=True)
        case "markdown":
            yield from _length("text", block.get("text"), MARKDOWN, least=1)
        case "image":
            yield from _image(block, "image_url", "slack_file")
            yield from _plain(block.get("title"), "title", 2000)
        case "actions":
            yield from _elements(block.get("elements"), 25, IN_ACTIONS)
        case "context":
            yield from _context(block)
        case "context_actions":
            yield from _elements(block.get("elements"), 5, frozenset({"feedback_buttons", "icon_button"}))
        case "input":
            yield from _input(block)
        case "table":
            yield from _table(block)
        case "rich_text":
            yield from _required(block, "rich_text", "elements")
        case "alert":
            yield from _text(block.get("text"), "text", 200, required=True)
            if block.get("level", "default") not in {"default", "info", "warning", "error", "success"}:
                yield f"level {block.get('level')!r}"
        case "card":
            yield from _card(block)
        case _:
            return


def _section(block: Json) -> Iterator[str]:
    if not block.get("text") and not block.get("fields"):
        yield "needs text or fields"
    yield from _text(block.get("text"), "text", 3000)
    fields = block.get("fields")
    if fields is not None and not 1 <= len(fields) <= 10:
        yield f"{len(fields)} fields, 1 to 10"
    for field in fields or []:
        yield from _text(field, "field", 2000, required=True)
    if accessory := block.get("accessory"):
        yield from _element(accessory, IN_ACTIONS | {"image"})


def _context(block: Json) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements, 1 to 10"
    for element in elements:
        if element.get("type") == "image":
            yield from _image(element, "image_url", "slack_file")
        else:
            yield from _text(element, "element", 2000, required=True)


def _input(block: Json) -> Iterator[str]:
    yield from _plain(block.get("label"), "label", 2000, required=True)
    yield from _plain(block.get("hint"), "hint", 2000)
    yield from _element(block.get("element") or {}, INPUTS)


def _table(block: Json) -> Iterator[str]:
    rows = block.get("rows") or []
    if not 1 <= len(rows) <= 100:
        yield f"{len(rows)} rows, 1 to 100"
    if any(not 1 <= len(row) <= 20 for row in rows):
        yield "a row has 1 to 20 cells"
    if len({len(row) for row in rows}) > 1:
        yield "rows of different lengths"
    if len(block.get("column_settings") or []) > 20:
        yield "more than 20 column settings"
    for setting in block.get("column_settings") or []:
        if setting and setting.get("align", "left") not in {"left", "center", "right"}:
            yield f"align {setting['align']!r}"
    for cell in (cell for row in rows for cell in row):
        if cell.get("type") not in {"raw_text", "rich_text", "raw_number"}:
            yield f"cell of type {cell.get('type')!r}"
        if cell.get("type") == "raw_text" and not cell.get("text"):
            yield "an empty cell"
    if (size := sum(_size(cell) for row in rows for cell in row)) > 10_000:
        yield f"{size} characters in a table, at most 10,000"


def _card(block: Json) -> Iterator[str]:
    if not any(block.get(part) for part in ("hero_image", "title", "actions", "body")):
        yield "an empty card"
    for part, most in (("title", 150), ("subtitle", 150), ("body", 200)):
        yield from _text(block.get(part), part, most)
    if "actions" in block:
        yield from _elements(block["actions"], 3, frozenset({"button"}))


def _elements(elements: Any, most: int, allowed: frozenset[str]) -> Iterator[str]:
    found = elements or []
    if not 1 <= len(found) <= most:
        yield f"{len(found)} elements, 1 to {most}"
    ids = [element["action_id"] for element in found if "action_id" in element]
    if len(set(ids)) < len(ids):
        yield f"action_id twice in {ids}"
    for element in found:
        yield from _element(element, allowed)


def _element(element: Json, allowed: frozenset[str]) -> Iterator[str]:
    kind = element.get("type")
    if kind not in allowed:
        yield f"element {kind!r} is not allowed here"
    yield from _length("action_id", element.get("action_id"), 255)
    yield from _plain(element.get("placeholder"), "placeholder", 150)
    yield from _confirm(element.get("confirm"))
    match kind:
        case "button" | "workflow_button":
            yield from _button(element)
        case "feedback_buttons":
            for part in ("positive_button", "negative_button"):
                yield from _button(element.get(part) or {})
        case "plain_text_input" | "email_text_input" | "url_text_input" | "number_input":
            yield from _typed(element)
        case "datepicker":
            if (day := element.get("initial_date")) and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
                yield f"initial_date {day!r}"
        case "timepicker":
            if (hour := element.get("initial_time")) and not re.fullmatch(r"[0-2]\d:[0-5]\d", hour):
                yield f"initial_time {hour!r}"
        case "image":
            yield from _image(element, "image_url", "slack_file")
        case _:
            yield from _choices(element)


def _button(button: Json) -> Iterator[str]:
    yield from _plain(button.get("text"), "button text", 75, required=True)
    yield from _length("button value", button.get("value"), 2000)
    yield from _length("accessibility_label", button.get("accessibility_label"), 75)
    yield from _length("button url", button.get("url"), 3000)
    if (url := button.get("url")) is not None and not re.match(r"[a-z][a-z0-9+.-]*:", url):
        yield f"button url {url!r}"
    if button.get("style") not in {None, "primary", "danger"}:
        yield f"button style {button.get('style')!r}"


def _typed(element: Json) -> Iterator[str]:
    longest, least = element.get("max_length", 3000), element.get("min_length", 0)
    if not 1 <= longest <= 3000 or not 0 <= least <= 3000:
        yield f"min_length {least}, max_length {longest}: at most 3000"
    if least > longest:
        yield "min_length above max_length"
    initial = element.get("initial_value")
    if initial is not None and not isinstance(initial, str):
        yield "initial_value is no text"
    elif initial is not None and len(initial) > longest:
        yield "initial_value longer than max_length"
    if element.get("type") == "number_input" and "is_decimal_allowed" not in element:
        yield "number_input needs is_decimal_allowed"


def _choices(element: Json) -> Iterator[str]:
    kind = element.get("type")
    most = 100 if kind in SELECTS else 5 if kind == "overflow" else 10
    groups = element.get("option_groups")
    if "options" not in element and groups is None:
        if kind in SELECTS | {"checkboxes", "radio_buttons", "overflow"}:
            yield f"{kind} without options"
        return
    if groups is not None and not 1 <= len(groups) <= 100:
        yield f"{len(groups)} option groups"
    for group in groups or []:
        yield from _plain(group.get("label"), "group label", 75, required=True)
    options = element.get("options") or [o for g in groups or [] for o in g["options"]]
    if not 1 <= len(options) <= most * max(1, len(groups or [])):
        yield f"{len(options)} options, 1 to {most}"
    yield from _options(options, plain=kind in SELECTS | {"overflow"})
    initial = element.get("initial_options") or [element["initial_option"]] if _has_initial(element) else []
    if any(one not in options for one in initial):
        yield "an initial option that is none of the options"


def _has_initial(element: Json) -> bool:
    return bool(element.get("initial_options") or element.get("initial_option"))


def _options(options: Sequence[Json], *, plain: bool) -> Iterator[str]:
    for option in options:
        check = _plain if plain else _text
        yield from check(option.get("text"), "option text", 75, required=True)
        yield from check(option.get("description"), "option description", 75)
        yield from _length("option value", option.get("value"), 150, least=1)
    values = [option.get("value") for option in options]
    if len(set(values)) < len(values):
        yield "an option value twice"


def _confirm(confirm: Any) -> Iterator[str]:
    if confirm is None:
        return
    for part, most in (("title", 100), ("confirm", 30), ("deny", 30)):
        yield from _plain(confirm.get(part), f"confirm {part}", most, required=True)
    yield from _text(confirm.get("text"), "confirm text", 300, required=True)


def _image(image: Json, *sources: str) -> Iterator[str]:
    if not any(image.get(source) for source in sources):
        yield "image without image_url"
    yield from _length("image_url", image.get("image_url"), 3000)
    yield from _length("alt_text", image.get("alt_text"), 2000, least=1)


def _plain(text: Any, name: str, most: int, *, required: bool = False) -> Iterator[str]:
    yield from _text(text, name, most, required=required)
    if isinstance(text, Mapping) and text.get("type") != "plain_text":
        yield f"{name} is to be plain_text"


def _text(text: Any, name: str, most: int, *, required: bool = False) -> Iterator[str]:
    if text is None:
        if required:
            yield f"{name} is missing"
        return
    if not isinstance(text, Mapping) or text.get("type") not in {"plain_text", "mrkdwn"}:
        yield f"{name} is no text object"
        return
    if text["type"] == "mrkdwn" and "emoji" in text:
        yield f"{name}: emoji belongs to plain_text"
    if text["type"] == "plain_text" and "verbatim" in text:
        yield f"{name}: verbatim belongs to mrkdwn"
    yield from _length(name, text.get("text"), most, least=1)


def _length(name: str, text: Any, most: int, *, least: int = 0) -> Iterator[str]:
    if text is None:
        if least:
            yield f"{name} is missing"
        return
    if not isinstance(text, str):
        yield f"{name} is no text but {type(text).__name__}"
    elif not least <= len(text) <= most:
        yield f"{name} has {len(text)} characters, {least} to {most}"


def _required(block: Json, of: str, *names: str) -> Iterator[str]:
    yield from (f"{of} without {name}" for name in names if not block.get(name))


def _size(part: Any) -> int:
    """The characters of everything that is text in it."""
    if isinstance(part, Mapping):
        return sum(len(v) if k == "text" and isinstance(v, str) else _size(v) for k, v in part.items())
    if isinstance(part, Sequence) and not isinstance(part, str):
        return sum(_size(one) for one in part)
    return 0

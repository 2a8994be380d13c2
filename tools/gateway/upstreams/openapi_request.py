"""The arguments of a tool as an HTTP request of the API (OpenAPI 3.1.1, Parameter Object; RFC 6570).

No value may leave the place that the document gives it: what could be read as another path, another
parameter or another header is encoded, and refused where encoding is not enough.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote, unquote

from kit.errors import Invalid

Place = Literal["path", "query", "header", "cookie"]
Body = Literal["json", "form", "text"]
VARIABLE = re.compile(r"\{([^{}]+)\}")
_BETWEEN: Mapping[str, str] = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
# what may stand in a query beside letters without ending it, its name or its value
_RESERVED = ":/?@!$'()*,;[]"
_DECODED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One parameter. argument: what the tool calls it; name: what the API calls it.

    json: its value travels as JSON (`content` in the document). slash: may hold a `/` in a path.
    """

    argument: str
    name: str
    place: Place
    style: str
    explode: bool
    required: bool = False
    json: bool = False
    slash: bool = False
    reserved: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """How a tool's call becomes a request. body_argument: "" where it has none."""

    method: str
    path: str
    parts: tuple[Part, ...]
    body: Body | None = None
    media_type: str = ""
    body_argument: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`target` is path and query, percent-encoded; to be put behind the base address as it is."""

    method: str
    target: str
    headers: dict[str, str]
    content: bytes


def prepared(binding: Binding, arguments: Mapping[str, Any]) -> Prepared:
    """Raises Invalid, which names the argument and not its value."""
    given = {
        part: arguments[part.argument] for part in binding.parts if arguments.get(part.argument) is not None
    }
    for part in binding.parts:
        if part.place == "path" and part not in given:
            raise Invalid(f"'{part.argument}' is needed.")
    query = "&".join(
        pair for part, value in given.items() if part.place == "query" for pair in _pairs(part, value)
    )
    content = _body(binding, arguments)
    headers = _headers(given)
    if content is not None:
        headers["content-type"] = binding.media_type
    return Prepared(
        binding.method,
        _path(binding, given) + (f"?{query}" if query else ""),
        headers,
        content or b"",
    )


# --- paths


def _path(binding: Binding, given: Mapping[Part, Any]) -> str:
    named = {part.name: part for part in given if part.place == "path"}

    def filled(match: re.Match[str]) -> str:
        part = named[match[1]]
        return _in_path(part, given[part])

    path = VARIABLE.sub(filled, binding.path)
    # a value can make two dots together with what stands beside it
    if any(set(_decoded(segment)) & {".", ".."} for segment in path.split("/")):
        raise Invalid("A value of these arguments would lead to another path of the API.")
    return path


def _in_path(part: Part, value: Any) -> str:
    """simple, label or matrix. An empty value is refused: `/pets/` is not a pet."""
    for text in _texts(value):
        _fits_in_path(part, text)
    joined = {"label": ".", "matrix": ";"}.get(part.style, ",") if part.explode else ","
    fields = _fields(value)
    if fields is not None:
        equals = "=" if part.explode else ","
        made = joined.join(f"{_encoded(name)}{equals}{_encoded(text)}" for name, text in fields)
    elif part.style == "matrix" and part.explode and isinstance(value, list):
        made = ";".join(f"{_encoded(part.name)}={_encoded(text)}" for text in _items(part, value))
    else:
        made = joined.join(_encoded(text) for text in _items(part, value))
    if not made:
        raise Invalid(f"'{part.argument}' must not be empty.")
    if part.style == "label":
        return f".{made}"
    if part.style == "matrix":
        exploded = part.explode and (fields is not None or isinstance(value, list))
        return f";{made}" if exploded else f";{_encoded(part.name)}={made}"
    return made


def _fits_in_path(part: Part, text: str) -> None:
    for form in _decoded(text):
        pieces = re.split(r"[/\\]", form)
        if len(pieces) > 1 and not part.slash:
            # many servers decode %2F before they route: `1/owner` would be another operation
            raise Invalid(f"'{part.argument}' must not hold a slash.")
        if any(piece in (".", "..") or (len(pieces) > 1 and not piece) for piece in pieces):
            raise Invalid(f"'{part.argument}' would lead to another path of the API.")
        if not text or any(ord(sign) < 32 or ord(sign) == 127 for sign in form):
            raise Invalid(f"'{part.argument}' must be visible text and must not be empty.")


def _decoded(text: str) -> list[str]:
    """As it is, and as a server sees it that decodes once too often."""
    forms = [text]
    for _ in range(_DECODED):
        forms.append(unquote(forms[-1]))
    return forms


# --- queries, headers, cookies


def _pairs(part: Part, value: Any) -> Iterator[str]:
    name = _encoded(part.name)

    def text_of(text: str) -> str:
        return quote(_bytes(text), safe=_RESERVED) if part.reserved else _encoded(text)

    fields = _fields(value) if not part.json else None
    if fields is None:
        items = [text_of(text) for text in _items(part, value)]
        if isinstance(value, list) and not part.explode and not part.json:
            yield f"{name}={_BETWEEN.get(part.style, ',').join(items)}"
        else:
            yield from (f"{name}={item}" for item in items)
    elif part.style == "deepObject":
        yield from (f"{name}%5B{_encoded(field)}%5D={text_of(text)}" for field, text in fields)
    elif part.explode:
        yield from (f"{_encoded(field)}={text_of(text)}" for field, text in fields)
    else:
        between = _BETWEEN.get(part.style, ",")
        atoms = (f"{_encoded(field)}{between}{text_of(text)}" for field, text in fields)
        yield f"{name}={between.join(atoms)}"


def _headers(given: Mapping[Part, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for part, value in given.items():
        if part.place == "header":
            headers[part.name.lower()] = _in_header(part, value)
        elif part.place == "cookie":
            # a name from the document is a token; what a value could break out with is encoded
            cookies += _pairs(part, value)
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    return headers


def _in_header(part: Part, value: Any) -> str:
    fields = _fields(value) if not part.json else None
    if fields is not None:
        equals = "=" if part.explode else ","
        texts = [f"{name}{equals}{text}" for name, text in fields]
        atoms = [atom for field in fields for atom in field]
    else:
        texts = atoms = list(_items(part, value))
    several = fields is not None or (isinstance(value, list) and not part.json)
    if several and any("," in atom or "=" in atom for atom in atoms):
        raise Invalid(f"'{part.argument}' cannot hold a comma or an equals sign.")
    made = ",".join(texts)
    if not made.isascii() or not made.isprintable() or made != made.strip():
        raise Invalid(f"'{part.argument}' travels as a header: visible ASCII characters only.")
    return made


# --- bodies


def _body(binding: Binding, arguments: Mapping[str, Any]) -> bytes | None:
    if binding.body is None or binding.body_argument not in arguments:
        return None
    value = arguments[binding.body_argument]
    if binding.body == "json":
        return _bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    if binding.body == "text":
        return _bytes(_text(value))
    if not isinstance(value, dict):
        raise Invalid(f"'{binding.body_argument}' must be an object.")
    return _bytes("&".join(_form(cast(dict[str, Any], value))))


def _form(fields: Mapping[str, Any]) -> Iterator[str]:
    """Lists repeat their name, objects travel as JSON (OpenAPI 3.1.1, Encoding Object's defaults)."""
    for name, value in fields.items():
        for one in cast(list[Any], value) if isinstance(value, list) else [value]:
            if one is not None:
                text = json.dumps(one) if isinstance(one, dict | list) else _text(one)
                yield f"{_encoded(name)}={_encoded(text)}"


# --- values


def _items(part: Part, value: Any) -> Sequence[str]:
    if part.json:
        return [json.dumps(value, ensure_ascii=False, separators=(",", ":"))]
    if isinstance(value, list):
        return [_text(one) for one in cast(list[Any], value)]
    return [_text(value)]


def _fields(value: Any) -> list[tuple[str, str]] | None:
    if not isinstance(value, dict):
        return None
    given = cast(dict[str, Any], value)
    return [(name, _text(one)) for name, one in given.items() if one is not None]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in cast(dict[str, Any], value).items():
            yield from (name, _text(one))
    elif isinstance(value, list):
        yield from (_text(one) for one in cast(list[Any], value))
    else:
        yield _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise Invalid("A parameter of this API holds no lists or objects inside others.")
    return value if isinstance(value, str) else json.dumps(value)


def _encoded(text: str) -> str:
    return quote(_bytes(text), safe="")


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise Invalid("A value of these arguments is no valid text.") from error

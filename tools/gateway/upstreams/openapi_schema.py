"""Schemas of an OpenAPI document as JSON Schema 2020-12 that stands alone (OpenAPI 3.0.4 and 3.1.1, section
Schema Object): what a schema refers to comes along under `$defs`. Nothing outside the document is looked up.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from referencing import Registry as References
from referencing.exceptions import NoSuchAnchor, NoSuchResource, PointerToNowhere, Unresolvable
from referencing.jsonschema import DRAFT202012

Way = Literal["in", "out"]
"""Of a request or of an answer: readOnly and writeOnly properties belong to one of them."""

_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONE = frozenset(
    {
        "items",
        "additionalProperties",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
# `$id` and anchors would change what a reference means; the others say nothing to whoever calls
_DROPPED = frozenset(
    {"$id", "$schema", "$anchor", "$dynamicAnchor", "$comment", "xml", "externalDocs", "discriminator"}
    | {"example", "nullable", "readOnly", "writeOnly"}
)
_NODES = 20_000
_NODES_IN_ALL = 100_000
"""Of all tools of a document together: a small document can name one large schema a thousand times."""
_CHAIN = 20


class Unusable(Exception):
    """This part of the document cannot be used: a sentence for the admin."""


class Document:
    """The document and what its references lead to."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.nodes = 0
        """Parts of schemas that were taken out of it so far."""
        self.old = str(content.get("openapi", "")).startswith("3.0")
        resource = DRAFT202012.create_resource(cast(Any, dict(content)))
        # without a retriever: what is not in the document is not there
        self._resolver = References[Any]().with_resource("urn:document", resource).resolver("urn:document")

    def at(self, reference: str) -> Any:
        """Raises Unusable for what is not a pointer into this document, or leads nowhere."""
        if not reference.startswith("#/"):
            raise Unusable(f"it refers to {_short(reference)}, which is outside this document")
        try:
            return self._resolver.lookup(reference).contents
        except (Unresolvable, PointerToNowhere, NoSuchAnchor, NoSuchResource) as error:
            raise Unusable(f"its reference {_short(reference)} leads nowhere") from error

    def followed(self, part: Any) -> dict[str, Any]:
        """The object itself, wherever it stands. Raises Unusable."""
        for _ in range(_CHAIN):
            if not isinstance(part, dict):
                raise Unusable("a part of it is no object")
            found = cast(dict[str, Any], part)
            if not isinstance(found.get("$ref"), str):
                return found
            part = self.at(found["$ref"])
        raise Unusable("its references go round in a circle")


class Schemas:
    """The schemas of one tool's arguments, or of its answer."""

    def __init__(self, document: Document, way: Way) -> None:
        self._document = document
        self._hidden = "readOnly" if way == "in" else "writeOnly"
        self._names: dict[str, str] = {}
        self._made: dict[str, Any] = {}
        self._nodes = 0

    def taken(self, schema: Any) -> Any:
        """The schema, its references turned to `#/$defs/…`. Raises Unusable."""
        made = self._converted(schema)
        while waiting := self._names.keys() - self._made.keys():
            for reference in sorted(waiting):
                self._made[reference] = True  # it may refer to itself
                self._made[reference] = self._converted(self._document.at(reference))
        return made

    def definitions(self) -> dict[str, Any]:
        """What the schemas taken so far refer to, by name."""
        return {name: self._made[reference] for reference, name in sorted(self._names.items())}

    def _converted(self, schema: Any) -> Any:
        self._nodes += 1
        self._document.nodes += 1
        if self._nodes > _NODES:
            raise Unusable("its schema is too large")
        if self._document.nodes > _NODES_IN_ALL:
            raise Unusable("the schemas of this document are too large together")
        if not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else True
        given = cast(dict[str, Any], schema)
        if "$dynamicRef" in given:
            raise Unusable("its schema uses $dynamicRef")
        if isinstance(given.get("$ref"), str) and self._document.old:
            return {"$ref": self._named(given["$ref"])}  # 3.0: what stands beside a reference is ignored
        made = {
            key: self._value(key, value)
            for key, value in given.items()
            # an extension could mean something to us or to a client: x-mcp-header makes HTTP headers
            if key not in _DROPPED and not key.startswith("x-")
        }
        self._without_hidden(given, made)
        return _of_3_0(given, made) if self._document.old else made

    def _value(self, key: str, value: Any) -> Any:
        if key == "$ref" and isinstance(value, str):
            return self._named(value)
        if key in _MAPS and isinstance(value, dict):
            return {name: self._converted(one) for name, one in cast(dict[str, Any], value).items()}
        if key in _LISTS and isinstance(value, list):
            return [self._converted(one) for one in cast(list[Any], value)]
        return self._converted(value) if key in _ONE else value

    def _without_hidden(self, given: Mapping[str, Any], made: dict[str, Any]) -> None:
        properties: Any = given.get("properties")
        if not isinstance(properties, dict):
            return
        hidden = {
            name
            for name, one in cast(dict[str, Any], properties).items()
            if isinstance(one, dict) and cast(dict[str, Any], one).get(self._hidden) is True
        }
        made["properties"] = {n: one for n, one in made["properties"].items() if n not in hidden}
        if isinstance(made.get("required"), list):
            made["required"] = [name for name in made["required"] if name not in hidden]

    def _named(self, reference: str) -> str:
        if reference not in self._names:
            last = "".join(sign if sign.isalnum() else "_" for sign in reference.rpartition("/")[2])
            name, number = last or "part", 2
            while name in self._names.values():
                name, number = f"{last}_{number}", number + 1
            self._names[reference] = name
        return f"#/$defs/{self._names[reference]}"


def _of_3_0(given: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Draft 4 as 3.0 has it: `nullable`, and exclusive bounds that are booleans."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    if given.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def _short(reference: str) -> str:
    return repr(reference[:80])

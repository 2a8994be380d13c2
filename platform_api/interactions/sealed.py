"""What of an interaction is sealed at rest, each part for its place: a sealed text moved to another row, or
another column, does not open."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from kit.sealing import KeyRing, SealBroken
from kit.wire.interactions import Form, Respond
from kit.wire.tools import ToolOutcome
from platform_api.interactions.errors import NoVault
from platform_api.interactions.models import Part, about


class Seals:
    """Raises kit.sealing.SealBroken where a key is gone or a row was changed by another hand, and NoVault
    where the deployment has no keys."""

    def __init__(self, keys: KeyRing | None) -> None:
        self._ring = keys

    @property
    def _keys(self) -> KeyRing:
        if self._ring is None:
            raise NoVault
        return self._ring

    def seal(self, interaction_id: UUID, part: Part, value: Any) -> str:
        return self._keys.seal(msgspec.json.encode(value), about(interaction_id, part))

    def open(self, interaction_id: UUID, part: Part, sealed: str) -> Any:
        return msgspec.json.decode(self._keys.open(sealed, about(interaction_id, part)))

    def questions(self, interaction_id: UUID, forms: Sequence[Form]) -> str:
        return self.seal(interaction_id, "questions", [form.model_dump(mode="json") for form in forms])

    def forms(self, interaction_id: UUID, sealed: str | None) -> list[Form]:
        """None of them where they have been forgotten."""
        if sealed is None:
            return []
        return [Form.model_validate(form) for form in self.open(interaction_id, "questions", sealed)]

    def result(self, interaction_id: UUID, sealed: str | None) -> ToolOutcome | None:
        return ToolOutcome.model_validate(self.open(interaction_id, "result", sealed)) if sealed else None

    def same(self, interaction_id: UUID, sealed: str | None, respond: Respond) -> bool:
        """Whether this is the answer that was given."""
        try:
            return sealed is not None and self.open(interaction_id, "answered_as", sealed) == digest(respond)
        except SealBroken:
            return False


def digest(respond: Respond) -> str:
    """Of an answer: content counts where it was accepted."""
    told = [respond.action, respond.content if respond.action == "accept" else {}]
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()

"""Writes the reference from the code: errors, settings, `.env.example` and the OpenAPI document.

`--check` writes nothing and fails where a file differs from the code.
"""

import importlib
import json
import pkgutil
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, cast

from pydantic.fields import FieldInfo

from kit.errors import SwitchboardError, catalogue
from kit.settings import Settings, registered

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kit", "ports", "access", "guardrails", "knowledge", "bot", "platform_api", "tools", "launch")
# These act when they are imported.
ACTING = ("__main__", "migrations.env", "migrations.versions")
MADE = "<!-- Made by `make generate` from the code; do not edit. -->\n\n"


def main() -> int:
    import_everything()
    wanted = {
        "docs/reference/errors.md": errors_page(),
        "docs/reference/settings.md": settings_page(),
        ".env.example": env_example(),
        "docs/reference/openapi.json": openapi(),
    }
    if "--check" in sys.argv:
        drifted = [path for path, text in wanted.items() if not _equals(ROOT / path, text)]
        print("\n".join(f"{path} differs from the code: run `make generate`" for path in drifted))
        return len(drifted)
    for path, text in wanted.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    print(f"wrote {', '.join(wanted)}")
    return 0


def _equals(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def import_everything() -> None:
    """Errors and settings are known once their modules are loaded."""
    for name in PACKAGES:
        if not (ROOT / name / "__init__.py").exists():
            continue
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not any(acting in found.name for acting in ACTING):
                importlib.import_module(found.name)


def errors_page() -> str:
    rows = sorted(set(_errors()))
    lines = [
        "# Errors\n",
        "Every error is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`,",
        "`code`, `hint` and `request_id`. 429 and 503 carry `Retry-After`. Retry only what says so.\n",
        "| status | code | what happened | next step | retry |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {status} | `{code}` | {title} | {hint} | {'yes' if retry else ''} |"
        for status, code, title, hint, retry in rows
    ]
    return MADE + "\n".join(lines) + "\n"


def _errors() -> Iterator[tuple[int, str, str, str, bool]]:
    from knowledge.load.errors import HINTS, UnreadableDocument

    for code, hint in HINTS.items():
        yield UnreadableDocument.status, code, UnreadableDocument.title, hint, False
    for cls in catalogue():
        if cls is not UnreadableDocument:
            yield _row(cls)


def _row(cls: type[SwitchboardError]) -> tuple[int, str, str, str, bool]:
    return cls.status, cls.code, cls.title, cls.default_hint, cls.retryable


def settings_page() -> str:
    parts = [
        "# Settings\n",
        "Set as environment variables. `switchboard up` needs none of them.\n",
    ]
    for cls in _settings():
        parts.append(f"## {cls.section}\n\n{_first_line(cls)}\n")
        parts.append("| variable | default | meaning |\n|---|---|---|")
        parts += [_setting_row(cls, name, field) for name, field in sorted(cls.model_fields.items())]
        parts.append("")
    return MADE + "\n".join(parts)


def _settings() -> list[type[Settings]]:
    return [cls for cls in registered() if cls.__module__.partition(".")[0] in PACKAGES]


def _first_line(cls: type[Settings]) -> str:
    return (cls.__doc__ or sys.modules[cls.__module__].__doc__ or "").strip().split("\n")[0]


def _variable(cls: type[Settings], name: str) -> str:
    return f"SWITCHBOARD_{cls.section.upper()}__{name.upper()}"


def _setting_row(cls: type[Settings], name: str, field: FieldInfo) -> str:
    values = _choices(field.annotation)
    meaning = f"{field.description or ''}{f' One of: {values}.' if values else ''}".replace("|", "\\|")
    default = _default(field)
    return f"| `{_variable(cls, name)}` | {f'`{default}`' if default else ''} | {meaning} |"


def _choices(annotation: Any) -> str:
    if typing.get_origin(annotation) is not typing.Literal:
        return ""
    return ", ".join(f"`{value}`" for value in typing.get_args(annotation))


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or field.is_required() or (isinstance(value, str | tuple | list | dict) and not value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | dict | set | frozenset):
        return json.dumps(value if isinstance(value, dict) else list(cast(Any, value)))
    return str(value.value if isinstance(value, Enum) else value)


def env_example() -> str:
    lines = ["# Made by `make generate` from the code. Everything is optional for `switchboard up`."]
    for cls in _settings():
        lines.append(f"\n# --- {cls.section}: {_first_line(cls)}")
        for name, field in sorted(cls.model_fields.items()):
            lines.append(f"# {field.description or ''}")
            lines.append(f"# {_variable(cls, name)}={_default(field)}")
    return "\n".join(lines) + "\n"


def openapi() -> str:
    return json.dumps(_app().openapi(), indent=2, ensure_ascii=False) + "\n"


def _app() -> Any:
    """The platform as the all-in-one has it; nothing is connected, since it is only described."""
    from access.jwks import TrustedKeys
    from access.tokens import Minter, SigningKey
    from kit.clock import SystemClock
    from platform_api.app import PlatformPorts, build_app
    from platform_api.identity.settings import IdentitySettings
    from ports.db import Database
    from ports.queue import Queue
    from ports.redis import connect

    key, database = SigningKey.generate(), Database("postgresql+asyncpg://nobody@localhost/nothing")
    nothing: Any = object()
    return build_app(
        PlatformPorts(
            database=database,
            redis=connect("redis://localhost/0"),
            redis_blocking=connect("redis://localhost/0"),
            queue=Queue(database),
            blobs=nothing,
            index=nothing,
            search=nothing,
            preparer=nothing,
            vectoriser=nothing,
            signing_key=key,
            minter=Minter(key, "platform", SystemClock()),
            trusted=TrustedKeys(),
            gateway_url="http://localhost",
            shape="all-in-one",
            identity_settings=IdentitySettings(dev_sign_in=True),
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())

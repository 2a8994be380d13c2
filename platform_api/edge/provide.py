"""How an endpoint gets a service: `Annotated[Library, Depends(provided(Library))]`."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar, cast

from fastapi import FastAPI, Request

Service = TypeVar("Service")


def provide(app: FastAPI, cls: type[Service], service: Service) -> None:
    """Called by `app.py` only, once per service."""
    registered: dict[type, object] = getattr(app.state, "provided", {})
    app.state.provided = registered | {cls: service}


@cache
def _dependency(cls: type[object]) -> Callable[[Request], Awaitable[object]]:
    # async, since FastAPI hands everything else to a thread
    async def dependency(request: Request) -> object:
        return request.app.state.provided[cls]

    dependency.__name__ = f"provided_{cls.__name__}"
    return dependency


def provided(cls: type[Service]) -> Callable[[Request], Service]:
    """The dependency that hands out the one service of this class; always the same callable."""
    return cast(Callable[[Request], Service], _dependency(cls))

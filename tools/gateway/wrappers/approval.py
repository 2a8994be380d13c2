"""approval: where somebody has to agree before a risky call; who and how is decided elsewhere."""

from collections.abc import Awaitable, Callable

from tools.gateway.call import Call, Handler, Reply

Approval = Callable[[Call], Awaitable[Reply | None]]
"""None: go on. A Reply, `needs_input` set: ask first; the call comes again with the answer in `resumption`.
Raises kit.errors.Forbidden where the answer was no. Arguments are validated by then."""


def approved(inner: Handler, approval: Approval | None) -> Handler:
    """Without an approval to ask, calls go straight on."""
    if approval is None:
        return inner

    async def call(call: Call) -> Reply:
        question = await approval(call)
        return await inner(call) if question is None else question

    return call

"""Mail through Graph: whatever breaks at whatever point, the letter is sent once."""

import pytest

from tests.clocks import HandClock
from tests.tools.contact.mail import graph_stub
from tests.tools.contact.mail.backends import SENDER, letter, owner, token
from tools.servers.contact.graph import Graph, GraphRefused
from tools.servers.contact.mail import MailRefused, MailUnavailable
from tools.servers.contact.mail.graph import GraphMail

STEPS = ("find", "create", "mark", "send")
LOST = 0
"""The stub's status for an answer that never comes."""


def mail(mailbox: graph_stub.Mailbox) -> GraphMail:
    return GraphMail(Graph(mailbox.url, token, 20), SENDER, HandClock())


@pytest.mark.proves("MAIL-102")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [LOST, 503, 504])
@pytest.mark.parametrize("step", STEPS)
async def test_one_letter_is_sent_whichever_answer_is_lost(step: str, status: int, done: bool) -> None:
    async with graph_stub.running() as mailbox:
        mailbox.troubles[step] = [(status, {}, done)]
        who, desk = owner(), mail(mailbox)
        with pytest.raises(MailUnavailable):
            await desk.send(who, letter())
        before = await desk.sent(who, "b1:letter")
        assert (before is not None) == (len(mailbox.sent) == 1)
        again = await desk.send(who, letter())
        assert len(mailbox.sent) == 1
        found = await desk.sent(who, "b1:letter")
        assert found is not None
        assert found.message_id == again.message_id
        await desk.graph.close()


@pytest.mark.proves("MAIL-102")
async def test_a_draft_that_somebody_else_has_sent_meanwhile_is_sent() -> None:
    async with graph_stub.running() as mailbox:
        who, desk = owner(), mail(mailbox)
        mailbox.troubles["send"] = [(404, {}, True)]
        sent = await desk.send(who, letter())
        assert len(mailbox.sent) == 1
        assert (await desk.send(who, letter())).message_id == sent.message_id
        assert len(mailbox.sent) == 1
        await desk.graph.close()


@pytest.mark.proves("MAIL-101")
async def test_when_graph_asks_for_time_it_is_told_how_long() -> None:
    async with graph_stub.running() as mailbox:
        mailbox.troubles["find"] = [(429, {"Retry-After": "17"}, False)]
        desk = mail(mailbox)
        with pytest.raises(MailUnavailable) as busy:
            await desk.send(owner(), letter())
        assert busy.value.retry_after == 17
        await desk.graph.close()


@pytest.mark.proves("MAIL-101")
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_graph_will_never_take_is_refused_without_its_words(status: int) -> None:
    async with graph_stub.running() as mailbox:
        mailbox.troubles["create"] = [(status, {}, False)]
        desk = mail(mailbox)
        with pytest.raises(MailRefused) as refused:
            await desk.send(owner(), letter())
        assert "gary.guest" not in str(refused.value)
        await desk.graph.close()


@pytest.mark.proves("MAIL-101")
async def test_without_a_token_nothing_is_asked_of_graph() -> None:
    async def none() -> str:
        raise GraphRefused("Microsoft's sign-in answered 'invalid_client'.")

    async with graph_stub.running() as mailbox:
        desk = GraphMail(Graph(mailbox.url, none, 20), SENDER, HandClock())
        with pytest.raises(MailRefused) as refused:
            await desk.send(owner(), letter())
        assert "SWITCHBOARD_GRAPH__" in refused.value.hint
        assert mailbox.calls == []
        await desk.graph.close()

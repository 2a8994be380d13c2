"""A letter of which nobody can tell whether it was sent: an operator ends the doubt, once."""

from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from kit.clock import SystemClock
from tests.tools.contact.booking.offices import World, book
from tests.tools.contact.booking.test_finishing import consuming, finished
from tools.servers.contact.building import open_doubts
from tools.servers.contact.effects.doubts import Doubts, NoSuchLetter, NotInDoubt, Replaced
from tools.servers.contact.mail.errors import CannotTell, MailUnavailable
from tools.servers.contact.settings import ContactSettings


async def doubtful(world: World) -> tuple[Doubts, UUID]:
    """As `switchboard contact` does it: beside the contact server. And the letter, which was never sent."""
    world.mail.error, world.mail.fail = CannotTell, 1
    await book(world)
    doubts = open_doubts(ContactSettings(), world.database, SystemClock())
    [doubt] = await doubts.listed()
    return doubts, doubt.id


@pytest.mark.proves("BOOK-119")
async def test_a_letter_in_doubt_is_sent_again_once_however_often_an_operator_presses(world: World) -> None:
    doubts, letter = await doubtful(world)
    await doubts.resend(letter)
    with pytest.raises(NotInDoubt):
        await doubts.resend(letter)
    async with consuming(world):
        [said] = await finished(world)
    assert "The details were sent to" in said
    assert len(world.letters()) == 1
    with pytest.raises(NotInDoubt):
        await doubts.resend(letter)
    assert (await doubts.listed(), world.mail.calls) == ([], 2)


@pytest.mark.proves("BOOK-119")
async def test_a_letter_that_did_arrive_is_settled_and_told_and_not_sent(world: World) -> None:
    doubts, letter = await doubtful(world)
    await doubts.settle(letter)
    with pytest.raises(NotInDoubt):
        await doubts.settle(letter)
    with pytest.raises(NotInDoubt):
        await doubts.resend(letter)
    async with consuming(world):
        [said] = await finished(world)
    assert "The details were sent to" in said
    assert (world.letters(), world.mail.calls) == ([], 1)


@pytest.mark.proves("BOOK-119")
async def test_a_letter_sent_again_in_vain_is_in_doubt_as_before(world: World) -> None:
    doubts, letter = await doubtful(world)
    await doubts.resend(letter)
    world.mail.error, world.mail.fail = MailUnavailable, 9
    async with consuming(world):
        [said] = await finished(world)
    assert "not certain" in said
    assert [one.id for one in await doubts.listed()] == [letter]


@pytest.mark.proves("BOOK-119")
async def test_a_letter_that_a_later_one_has_replaced_is_not_sent_again(world: World) -> None:
    doubts, letter = await doubtful(world)
    talk = await world.begin("meetings.cancel").start()
    await talk.answer(decision="cancel")
    with pytest.raises(Replaced):
        await doubts.resend(letter)
    await doubts.settle(letter)


@pytest.mark.proves("BOOK-119")
async def test_the_list_masks_addresses_and_the_number_in_doubt_is_measured(world: World) -> None:
    doubts, _ = await doubtful(world)
    [doubt] = await doubts.listed()
    assert doubt.to == ("m***@example.com",)
    count = world.contact.tasks.get("contact.doubts")
    assert count is not None
    await count.handler({})
    assert REGISTRY.get_sample_value("switchboard_contact_letters_in_doubt") == 1.0
    with pytest.raises(NoSuchLetter):
        await doubts.settle(uuid4())

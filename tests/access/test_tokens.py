import base64
import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.grants import keep_grant, keys_of
from access.jwks import TrustedKeys
from access.principal import Principal, TurnLimits
from access.tokens import LIFETIME_S, Minter, SigningKey, Verifier
from kit.errors import Unauthenticated
from tests.clocks import HandClock


class World:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.key = SigningKey.generate()
        self.trusted = TrustedKeys()
        self.trusted.replace("platform", self.key.jwks())
        self.minter = Minter(self.key, "platform", self.clock)

    def verifier(self, audience: str = "gateway") -> Verifier:
        return Verifier(self.trusted.find, audience, self.clock)


@pytest.fixture
def world() -> World:
    return World()


def member(groups: int = 1) -> Principal:
    return Principal(
        uuid4(),
        uuid4(),
        name="Maya",
        groups=frozenset(f"group-{n}" for n in range(groups)),
        roles=frozenset({"User"}),
        permissions=frozenset({"query_kb"}),
        limits=TurnLimits(
            frozenset({uuid4()}), privacy=True, session_id=uuid4(), turn_id=uuid4(), agent="booking"
        ),
    )


@pytest.mark.proves("ACCESS-002")
def test_a_token_carries_the_principal_and_the_limits_of_the_turn(world: World) -> None:
    person = member()
    verified = world.verifier().verify(world.minter.mint(person, "gateway"))
    assert verified.principal == person
    assert verified.access_keys() == person.access_keys


@pytest.mark.proves("ACCESS-002")
def test_it_is_worth_nothing_to_another_audience_or_after_a_minute(world: World) -> None:
    token = world.minter.mint(member(), "gateway")
    with pytest.raises(Unauthenticated):
        world.verifier("server:docs").verify(token)
    verifier = world.verifier()
    verifier.verify(token)
    world.clock.move(seconds=LIFETIME_S)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_a_token_is_reused_for_half_a_minute(world: World) -> None:
    person = member()
    first = world.minter.mint(person, "gateway")
    world.clock.move(seconds=29)
    assert world.minter.mint(person, "gateway") == first
    world.clock.move(seconds=2)
    assert world.minter.mint(person, "gateway") != first


@pytest.mark.proves("ACCESS-002")
def test_a_stranger_with_the_same_issuer_name_is_refused(world: World) -> None:
    stranger = Minter(SigningKey.generate(), "platform", world.clock)
    with pytest.raises(Unauthenticated):
        world.verifier().verify(stranger.mint(member(), "gateway"))


@pytest.mark.proves("ACCESS-002")
def test_a_key_of_one_issuer_does_not_sign_for_another(world: World) -> None:
    other = SigningKey.generate()
    world.trusted.replace("gateway", other.jwks())
    forged = Minter(other, "platform", world.clock)
    with pytest.raises(Unauthenticated):
        world.verifier().verify(forged.mint(member(), "gateway"))


@pytest.mark.proves("ACCESS-002")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_changed_algorithm_is_refused(world: World, algorithm: str) -> None:
    head, body, signature = world.minter.mint(member(), "gateway").split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    header["alg"] = algorithm
    changed = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        world.verifier().verify(f"{changed}.{body}.{'' if algorithm == 'none' else signature}")


@given(st.text(max_size=200))
def test_anything_that_is_no_token_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(Unauthenticated):
        World().verifier().verify(text)


class KeptInMemory(dict[str, str]):
    async def set(self, name: str, value: str, *, ex: int) -> None:
        self[name] = value

    async def get(self, name: str) -> str | None:  # type: ignore[override]  # the store's own signature
        return dict.get(self, name)


@pytest.mark.proves("ACCESS-002")
async def test_four_hundred_groups_travel_as_a_grant_and_the_token_stays_small(world: World) -> None:
    person, store = member(groups=400), KeptInMemory()
    await keep_grant(store, person.access_keys)
    token = world.minter.mint(person, "gateway")
    assert len(token) < 1000
    verified = world.verifier().verify(token)
    assert await keys_of(verified, store) == person.access_keys


@pytest.mark.proves("ACCESS-002")
async def test_a_grant_that_was_tampered_with_opens_nothing(world: World) -> None:
    person, store = member(groups=400), KeptInMemory()
    await keep_grant(store, person.access_keys)
    for name in store:
        store[name] = json.dumps([*person.access_keys, f"u:{uuid4()}"])
    verified = world.verifier().verify(world.minter.mint(person, "gateway"))
    with pytest.raises(Unauthenticated):
        await keys_of(verified, store)

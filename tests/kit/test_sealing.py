"""What is sealed opens with its ring, for what it was sealed, unchanged: or not at all."""

import os
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.sealing import BadKeys, KeyRing, SealBroken, new_key, sealed_by

OLD, NEW = os.urandom(32), os.urandom(32)
before = KeyRing({"old": OLD}, "old")
rotating = KeyRing({"new": NEW, "old": OLD}, "new")
after = KeyRing({"new": NEW}, "new")


@given(st.binary(), st.binary())
def test_what_was_sealed_opens_for_what_it_was_sealed(plain: bytes, about: bytes):
    sealed = before.seal(plain, about)
    assert before.open(sealed, about) == plain


@pytest.mark.proves("GOV-601")
@given(st.binary(), st.binary())
def test_a_rotated_ring_opens_the_old_and_seals_with_the_new(plain: bytes, about: bytes):
    moved = rotating.seal(rotating.open(before.seal(plain, about), about), about)
    assert sealed_by(moved) == "new"
    assert after.open(moved, about) == plain
    with pytest.raises(SealBroken):
        before.open(moved, about)


@given(st.binary(), st.binary(), st.binary())
def test_it_opens_for_nothing_else(plain: bytes, about: bytes, other: bytes):
    if about != other:
        with pytest.raises(SealBroken):
            before.open(before.seal(plain, about), other)


@given(st.binary(), st.data())
def test_no_part_of_it_can_be_changed_or_cut(plain: bytes, data: st.DataObject):
    sealed = before.seal(plain, b"about")
    at = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    for forged in (sealed[:at], sealed[:at] + letter + sealed[at + 1 :], sealed + letter):
        if forged != sealed:
            with pytest.raises(SealBroken):
                before.open(forged, b"about")


@given(st.text())
def test_any_other_text_is_broken_and_nothing_worse(text: str):
    with pytest.raises(SealBroken):
        before.open(text, b"")


def test_the_key_id_is_part_of_what_is_sealed():
    same = KeyRing({"a": OLD, "b": OLD}, "a")
    with pytest.raises(SealBroken):
        same.open(same.seal(b"x", b"").replace(".a.", ".b."), b"")


def test_the_same_text_is_never_sealed_alike():
    assert len({before.seal(b"x", b"") for _ in range(50)}) == 50


def test_the_first_key_of_a_setting_is_current():
    text = f"two:{b64encode(NEW).decode()},one:{b64encode(OLD).decode()}"
    assert KeyRing.parse(text).current == "two"
    assert (
        KeyRing.parse(text.replace(",", "\n")).open(KeyRing({"one": OLD}, "one").seal(b"x", b""), b"") == b"x"
    )


def test_a_new_key_makes_a_ring():
    first, second = new_key(), new_key()
    sealed = KeyRing.parse(first).seal(b"x", b"y")
    assert KeyRing.parse(f"{second},{first}").open(sealed, b"y") == b"x"


def test_a_secret_makes_the_same_ring_each_time():
    sealed = KeyRing.from_secret(b"s" * 40).seal(b"x", b"y")
    assert KeyRing.from_secret(b"s" * 40).open(sealed, b"y") == b"x"
    with pytest.raises(SealBroken):
        KeyRing.from_secret(b"t" * 40).open(sealed, b"y")


@pytest.mark.parametrize("text", ["", "a", "a:", "a:short", "a:!!", "a b:c", f"a:{'A' * 43}=,a:{'B' * 43}="])
def test_a_bad_setting_is_refused_without_its_keys_in_the_message(text: str):
    with pytest.raises(BadKeys) as refused:
        KeyRing.parse(text)
    assert "AAAA" not in str(refused.value)
    assert "short" not in str(refused.value)


def test_a_ring_shows_no_key():
    assert "new" in repr(rotating)
    assert b64encode(NEW).decode()[:8] not in repr(rotating)
    assert NEW.hex()[:8] not in repr(rotating)

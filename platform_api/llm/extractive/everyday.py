"""How people ask, and what documents call the same: everyday words and the words of offices for them.

General English by field, written down once; nothing here comes from a particular document. One way only: who
asks about beer is told what a document says of alcohol, not the other way round.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from knowledge.verify import Meaning, meaning_of, words_of

_EVERYDAY = """
dad father daddy: paternity parental parent
mum mom mother mummy: maternity parental parent
baby newborn infant pregnant pregnancy expecting: parental maternity birth child
kid toddler son daughter: child dependant
grandmother grandfather grandma grandpa aunt uncle brother sister sibling: family relative
wife husband girlfriend boyfriend fiance: spouse partner family
die died dead death funeral: bereavement funeral
wedding marry married: marriage
ill unwell flu cold: sick illness
doctor gp physician: medical
therapist therapy shrink depressed stressed: counsellor counselling assistance wellbeing
hurt injured wound bleeding: injury accident
beer wine liquor whisky booze drunk drinking: alcohol
weed cannabis cocaine: drugs
smoking smoke cigarette vape: smoking tobacco
boss chief: manager supervisor director head
ceo: chief executive managing director
charge runs leads: head lead manager director responsible
reporter press newspaper tv: media journalist
present hamper freebie: gift
bribe: gift bribery corruption
bike: bicycle
cab uber: taxi
plane: flight fly air
mileage: kilometre mile car
overseas foreign country: abroad international overseas
mobile cellphone smartphone iphone: phone device
mac pc macbook notebook: laptop computer device
pc: computer laptop
screen: monitor
stolen stole steal theft lost lose loses: lost stolen theft
talk speak: speak contact talk
wifi: network wireless
login logon: sign account access
pin passcode: password code
hacked hack virus malware scam: security incident phishing
restore recover undelete: restore recover back
broken broke: defect fault repair
fix fixes: repair
ad advert posting: vacancy advertisement
recruit: hire hiring
newbie newcomer starter: new onboarding
quit leaving: resign leave notice
fired sacked: terminate dismissal
promotion raise: promotion pay
range: band grade scale
paycheck payslip wage wages: pay salary payroll
extra bonus premium: allowance bonus supplement
overtime: extra hours overtime
weekend: saturday sunday
lunch dinner breakfast food: meal
invoice bill: invoice
purchase shopping: purchase order
vendor: supplier
sign: approve approval
permission okay: approval approve allowed
harass bullied mobbing: harassment bullying
clothes clothing outfit: uniform dress
blackout outage electricity: power
backup: generator backup
emergency: emergency
umbrella belongings wallet purse: lost property found things
boat ship: vessel ferry
video footage camera: cctv recording
course class seminar: training
"""
_PHRASES = (
    (r"(?:days?|time|weeks?|hours?)\s+off\b", "leave"),
    (r"\b(?:doctor'?s|sick)\s+note", "medical certificate"),
    (r"\b(?:side|second|weekend)\s+(?:job|gig|hustle)", "second job outside employment"),
    (r"\bpassed?\s+away", "bereavement"),
    (r"\b(?:another|other|different)\s+countr(?:y|ies)", "abroad international overseas"),
    (r"\bin\s+charge\s+of", "head lead manager director responsible"),
    (r"\bplug\w*\s+in", "plugged connect"),
    (r"\bwork(?:ing)?\s+(?:from|at)\s+home", "remote telework home"),
    (r"\bgive\s+back", "return hand back"),
    (r"\bsign(?:s|ed)?\s+off", "approve approval"),
    (r"\bget(?:ting)?\s+paid\s+back", "reimburse reimbursement refund"),
)


def other_names(text: str, meaning: Meaning) -> Mapping[str, frozenset[str]]:
    """For the terms of a question, what documents may say in their place."""
    found = {term: others for term in meaning.terms if (others := _others().get(term))}
    for pattern, said in _phrases():
        spoken = pattern.search(text)
        if spoken:
            for term in meaning_of(words_of(spoken.group())).content:
                found[term] = found.get(term, frozenset()) | said
    return found


@lru_cache(maxsize=1)
def _others() -> Mapping[str, frozenset[str]]:
    others: dict[str, frozenset[str]] = {}
    for line in _EVERYDAY.strip().splitlines():
        asked, _, said = line.partition(":")
        for term in _terms(asked):
            others[term] = others.get(term, frozenset()) | _terms(said) - {term}
    return others


@lru_cache(maxsize=1)
def _phrases() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), _terms(said)) for pattern, said in _PHRASES)


def _terms(words: str) -> frozenset[str]:
    """Each as the meaning of a text holds it."""
    return frozenset(term for word in words.split() for term in meaning_of(words_of(word)).content)

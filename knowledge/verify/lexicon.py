"""What words of English do in a statement: negate, bound, oblige, quantify, oppose, or mean the same.

General English of offices and handbooks, written down once; nothing here comes from a particular document.
Phrases are written in the normal form of `words_of`. A tag in capitals stands for what a phrase does.
"""

from knowledge.verify.words import stem

NOT = "NOT"
LATEST = "LATEST"  # until polarity.py has seen what follows
NOR = "NOR"  # the same
TURNED = "TURNED"  # before an ONLY that was a "not until", "not unless" or "not without"
PHRASES: dict[str, str] = {
    "at least": "≥",
    "no less than": "≥",
    "no fewer than": "≥",
    "not less than": "≥",
    "a minimum of": "≥",
    "minimum of": "≥",
    "or more": "≥",
    "or longer": "≥",
    "up to": "≤",
    "at most": "≤",
    "no more than": "≤",
    "no later than": LATEST,
    "no longer than": "≤",
    "not more than": "≤",
    "not exceed": "≤",
    "as much as": "≤",
    "as many as": "≤",
    "a maximum of": "≤",
    "maximum of": "≤",
    "or less": "≤",
    "or fewer": "≤",
    "more than": ">",
    "longer than": ">",
    "greater than": ">",
    "higher than": ">",
    "in excess of": ">",
    "less than": "<",
    "fewer than": "<",
    "shorter than": "<",
    "lower than": "<",
    "later than": ">",
    "earlier than": "<",
    "take place": "be",
    "takes place": "be",
    "took place": "be",
    "taking place": "be",
    "have to": "MUST",
    "has to": "MUST",
    "had to": "MUST",
    "need to": "MUST",
    "needs to": "MUST",
    "are required to": "MUST",
    "is required to": "MUST",
    "be required to": "MUST",
    "are obliged to": "MUST",
    "ought to": "SHOULD",
    "are encouraged to": "SHOULD",
    "are advised to": "SHOULD",
    "are expected to": "SHOULD",
    "is expected to": "SHOULD",
    "are allowed to": "MAY",
    "is allowed to": "MAY",
    "be allowed to": "MAY",
    "are permitted to": "MAY",
    "is permitted to": "MAY",
    "are able to": "MAY",
    "is able to": "MAY",
    "are free to": "MAY",
    "no longer": NOT,
    "need not": "not required",
    "a few": "several",
    "1th aid": "first-aid",
    "ahead": "before",
    "go ahead": "proceed",
    "not only": "also",
    "no matter": "whatever",
    "whether or not": "whatever",
    "instead of": "INSTEAD",
    "rather than": "INSTEAD",
    "in lieu of": "INSTEAD",
    "in place of": "INSTEAD",
    "other than": "EXCEPT",
    "apart from": "EXCEPT",
    "except for": "EXCEPT",
    "prior to": "before",
    "ahead of": "before",
    "only if": "ONLY",
    "only when": "ONLY",
    "only once": "ONLY",
    "in advance of": "before",
    "in advance": "before",
    "out of office": "out-of-office",
    "24 / 7": "nonstop",
    "around the clock": "nonstop",
    "as soon as": "once",
    "get back to": "reply",
    "follow up with": "reply",
    "follow up": "reply",
    "fill out": "complete",
    "fill in": "complete",
    "filling out": "complete",
    "set up": "install",
    "turn off": "switch-off",
    "switch off": "switch-off",
    "shut down": "switch-off",
    "turn on": "switch-on",
    "switch on": "switch-on",
    "sign in": "login",
    "log in": "login",
    "sign into": "login",
    "log into": "login",
    "per year": "annual",
    "a year": "annual",
    "each year": "annual",
    "every year": "annual",
    "per month": "monthly",
    "a month": "monthly",
    "each month": "monthly",
    "every month": "monthly",
    "per week": "weekly",
    "a week": "weekly",
    "each week": "weekly",
    "every week": "weekly",
    "per day": "daily",
    "a day": "daily",
    "each day": "daily",
    "every day": "daily",
    "per hour": "hourly",
    "an hour": "hourly",
    "per cent": "%",
    "no cost": "free",
    "no charge": "free",
    "no fee": "free",
    "at no cost": "free",
    "free of charge": "free",
    "without charge": "free",
    "without cost": "free",
    "pay nothing": "free",
    "pays nothing": "free",
    "costs nothing": "free",
    "not charged": "free",
    "or later": "≥",
    "or earlier": "≤",
    "not allowed to": NOT,
    "not permitted to": NOT,
    "not supposed to": NOT,
    "off limits": NOT,
    "once a week": "once weekly",
    "once a year": "once annual",
    "once a month": "once monthly",
    "once a day": "once daily",
    "once per week": "once weekly",
    "once per year": "once annual",
    "once per month": "once monthly",
    "once per day": "once daily",
    "get in touch with": "contact",
    "reach out to": "contact",
    "reach out": "contact",
    "in charge of": "responsible",
    "up to you": "choose",
    "as a rule": "MOST",
    "in general": "MOST",
    "in most cases": "MOST",
    "at all times": "ALL",
    "by law": "legal",
    "such as": "including",
    "at once": "immediate",
    "right away": "immediate",
    "straight away": "immediate",
    "work days": "business days",
    "work day": "business days",
    "working days": "business days",
    "working day": "business days",
    "workdays": "business days",
    "business day": "business days",
    "hand in": "submit",
    "hands in": "submit",
    "handed in": "submit",
    "hand over": "give",
    "handed over": "give",
    "turn in": "submit",
    "pick up": "collect",
    "picked up": "collect",
    "look after": "care",
    "paid back": "reimburse",
    "money back": "refund",
    "pays for": "cover",
    "pay for": "cover",
    "paid for": "cover",
    "thrown away": "dispose",
    "throw away": "dispose",
    "called off": "cancel",
    "call off": "cancel",
    "put off": "postpone",
    "carried out": "do",
    "carry out": "do",
    "ask for": "request",
    "asks for": "request",
    "asked for": "request",
    "asking for": "request",
    "signed off": "approve",
    "sign off": "approve",
    "sign up": "register",
    "run out": "expire",
    "runs out": "expire",
    "take part": "participate",
    "takes part": "participate",
    "made up of": "consist",
    "consists of": "consist",
}
BEFORE_NUMBERS: dict[str, str] = {
    "as long as": "≤",
    "as few as": "≥",
    "as little as": "≥",
    "on or after": "≥",
    "on or before": "≤",
    "not to exceed": "≤",
    "below": "<",
    "above": ">",
    "beyond": ">",
    "past": ">",
    "upwards of": "≥",
    "close to": "~",
    "some": "~",
}
"""What bounds a number only right before one."""
_TAGGED = """
NOT not no never none nobody nothing nowhere neither hardly scarcely
NOR nor
MUST must shall mandatory compulsory obligatory required requires require requiring need needs needed needing
MUST necessary
SHOULD should recommended recommend advisable encouraged
MAY may can could might optional optionally
ALL all every each any always everyone everybody anyone anybody both entire whole
SOME some several sometimes occasionally partly certain
MOST most mostly usually typically generally normally often
FEW few rarely seldom
ONLY only solely exclusively
EXCEPT unless except excluding
WITHOUT without
UNTIL until till
IF if
≥ minimum + ≥
≤ maximum within ≤
> over exceed exceeds exceeding exceeded
< under
~ about around roughly approximately nearly almost circa
% percent
"""
WORD_TAGS: dict[str, str] = {
    word: line.split()[0] for line in _TAGGED.strip().splitlines() for word in line.split()[1:]
}
BOUNDS = frozenset("≥≤<>~")
MODALS = frozenset({"MUST", "SHOULD", "MAY"})
QUANTIFIERS = frozenset({"ALL", "SOME", "MOST", "FEW"})
LIMITS = frozenset({NOT, TURNED, "ONLY", "EXCEPT", "WITHOUT", "UNTIL", "INSTEAD", "IF"})
TAGS = BOUNDS | MODALS | QUANTIFIERS | LIMITS

_FUNCTION = """
have a an the this that these those there here it its they them their theirs he she his her him hers we us our
ours you your yours i me my mine who whom whose which what where when why how of in at by for from to with
on as into onto than then so and or but also too very just be is are was were been being am do does did
doing done has had having will would s t re up out off per via about over such other another etc eg
ie e g own if while because since though although however therefore thus please upon within through during
among between across as well yet still even ever much many let one's oneself themselves yourself
itself
"""
FUNCTION = frozenset(_FUNCTION.split())
_LIGHT = """
get gets getting got have give given gives make made makes take takes taken go goes come comes keep put
use used using set way thing things able work person people time ensure know see note currently new
following including include find look like want need help case part number type kind back first next
"""
LIGHT = frozenset(stem(word) for word in _LIGHT.split())
SYNONYMS = """
employee staff worker staffer employees personnel teammate
supervisor manager boss
leave vacation pto
salary pay wage
accrue earn
receive get obtain
begin start commence
end finish conclude
complete finish finalise finalize
buy purchase procure
request ask apply
send submit transmit
notify inform tell alert contact
allowed permitted authorised authorized
prohibited forbidden banned disallowed
approve authorise authorize
approval permission consent authorisation authorization sign-off
help assist assistance support
change modify alter
fix repair resolve
choose select pick
allow permit let
show display
cost price fee charge
phone telephone call
email e-mail mail
laptop computer macbook notebook
form paperwork
document file
rule policy guideline
deadline due
annual annually
monthly
weekly
daily
holiday
trip travel journey
flight fly
hotel lodging accommodation
meal food
reimburse refund repay reimbursement
car vehicle automobile
train subway metro
office workplace
building facility
meet meeting
attend join
colleague coworker
team group
organisation organization agency company
department division
quit resign
fire dismiss terminate
hire recruit
job role position post
training course class
illness sick ill sickness
doctor physician
child kid
parent
retire retirement
insurance coverage
eligible qualify entitled
maximum cap ceiling limit
increase rise raise grow
decrease reduce lower drop decline
extend prolong
renew renewal
expire lapse expiry
remove delete erase
add append
create make generate
store keep retain
share distribute
secret confidential private
password passcode passphrase
access entry
login logon
site website page
connect attach hook plug
directly straight
quick fast rapid swift
reply respond response answer
question query
review check inspect examine
confirm verify
report flag
incident event
error mistake fault
need require
prefer preference preferred
usual normal standard default
extra additional further
enough sufficient
free complimentary
whole full entire
about regarding concerning
before beforehand prior
forever indefinitely permanently
week
quarter
roughly approximately
remaining leftover unused
"""
OPPOSITES = """
before|after
increase rise raise climb grow|decrease reduce lower drop fall decline shrink
minimum|maximum
allow permit allowed permitted|forbid prohibit prohibited forbidden ban banned
above|below
internal|external
start begin|end finish stop
public|private
open|close closed
early earlier|late later
include including|exclude excluding
accept|reject decline
approve|deny refuse reject
paid|unpaid
full-time|part-time
higher|lower
longer|shorter
hire|fire dismiss
arrive arrival|depart departure
on|off
enable enabled|disable disabled
required mandatory|optional voluntary
permanent|temporary
manual manually|automatic automatically
domestic|international foreign
once|twice|thrice
employee staff|contractor
morning|noon|afternoon|evening|night|midnight
lend|borrow
spring|summer|autumn fall|winter
north|south|east|west
monday|tuesday|wednesday|thursday|friday|saturday|sunday
january|february|march|april|may|june|july|august|september|october|november|december
left|right
1th initial|last final
new|old former
current|former previous
add|remove delete
grant give|revoke withdraw
gain earn|lose forfeit
encrypted|unencrypted
signed|unsigned
available|unavailable
possible|impossible
able|unable
eligible|ineligible
valid|invalid
safe|unsafe dangerous
same|different
same|next|previous
local|remote cloud
always|sometimes|never
all every|some|none
major|minor
low|medium|high
red|green|blue|yellow|black|white
minute|hour|day|week|month|year|decade
dollar|euro|pound
inside|outside
upload|download
import|export
credit|debit
employer|employee
buyer|seller
with|without
online|in-person
business|calendar
annual|monthly|weekly|daily|hourly|quarterly|fortnightly
inner|outer
more|less fewer
free|charge pay
own|company
indoor|outdoor
upper|lower
night|weekend
top|bottom
elect|appoint
orally verbally|written
limited|unlimited
immediate|eventually
civilian|military
weekday|weekend
senior|junior
gross|net
cheap|expensive
hot|cold
lock|unlock
parent|child
doctor|nurse
male man|female woman
breakfast|lunch|dinner
bus|train|plane|ferry|taxi|bicycle
laptop|phone|tablet|printer|server
email|phone|fax|letter
cash|card|cheque
finance|legal|marketing|sales|engineering
sick|annual|parental|maternity
hourly|daily|weekly|monthly|yearly
edit|delete
lost|found
passenger|crew
customer|supplier
buyer|supplier
supervisor|employee
landlord|tenant
increase|decrease
majority|minority
everyone everybody|nobody
physical|virtual
hard|soft
individual|team
union|non-union
winner|loser
ascend|descend
import|export
gain|forfeit
pay|forfeit
keep|return
keep retain|delete destroy discard
encourage|discourage
support|oppose
recommend|discourage
full|partial
simple|complex
standard|custom
fixed|flexible variable
single|double|triple
short|long
few|many
"""
RHYTHMS = {
    **{word: word for word in ("hourly", "daily", "weekly", "fortnightly", "monthly", "quarterly", "annual")},
    "annually": "annual",
    "yearly": "annual",
}
"""How often: concepts of their own, since stems would make them the units week and month."""
_UNITS = """
second minute hour day week month quarter year decade percent dollar euro pound cent mile kilometre
kilometer meter metre foot inch kilogram gram gigabyte megabyte terabyte gb mb tb kb character people
person employee time page word step am pm a.m p.m
"""
UNITS = frozenset(stem(word) for word in _UNITS.split())


def _groups(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def _concepts() -> dict[str, str]:
    found: dict[str, str] = {}
    for group in _groups(SYNONYMS):
        for word in group:
            found.setdefault(stem(word), stem(group[0]))
    return found


def _families() -> dict[str, list[tuple[int, int]]]:
    """Stem → (family, side): two words of one family on different sides exclude each other."""
    found: dict[str, list[tuple[int, int]]] = {}
    for family, line in enumerate(OPPOSITES.strip().splitlines()):
        for side, words in enumerate(line.split("|")):
            for word in words.split():
                name = RHYTHMS.get(word) or stem(word)
                found.setdefault(CONCEPTS.get(name, name), []).append((family, side))
    return found


CONCEPTS = _concepts()
FAMILIES = _families()
SIDES = tuple(line.count("|") + 1 for line in OPPOSITES.strip().splitlines())
CALENDAR = frozenset(
    stem(word)
    for line in OPPOSITES.splitlines()
    for word in line.split("|")
    if "monday" in line or "january" in line
)
"""Days of the week and months."""
_VAGUE = """
set become get earn hand carry fit want pass run hold stand put bring begin start end finish stop stay
call let try mean happen exist concern involve contain allow permit need require have own once after
before more less something anything nothing everything someone anyone term period process matter fact
place moment point purpose possible necessary certain lead continue install provide offer apply choose
decide plan schedule complete fill enter reach open close move turn leave return lie belong serve act
fall rise change show tell say speak write read learn wish like hope expect ready able instead again
already always never ever long short good well bad right
"""
VAGUE = LIGHT | frozenset(
    CONCEPTS.get(name, name) for name in (*LIGHT, *(stem(word) for word in _VAGUE.split()))
)
"""Words that say little by themselves: to say it with another of them is no other statement."""
PERSONS = frozenset(
    CONCEPTS.get(name, name)
    for name in map(
        stem,
        ["person", "people", "employee", "user", "member", "participant", "human", "individual", "colleague"],
    )
)
"""Whom a number counts: 412 employees are 412 people."""
_CONVERSES = """
receive get obtain collect|give provide supply issue offer grant send deliver pay distribute hand
borrow rent|lend let
buy purchase|sell
teach|learn
precede|follow
"""
CONVERSES = tuple(
    tuple(
        frozenset(CONCEPTS.get(stem(word), stem(word)) for word in side.split()) for side in line.split("|")
    )
    for line in _CONVERSES.strip().splitlines()
)
"""Verbs that say the same with subject and object exchanged."""

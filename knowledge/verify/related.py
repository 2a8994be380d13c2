"""Words that people exchange for each other when they retell a text: weaker than the synonyms of lexicon.py.

General English of offices, written down once by field; nothing here comes from a particular document. A word
may stand in several lines. Sharing a line makes two words likely to mean the same, never certain.
"""

from functools import lru_cache

from knowledge.verify.words import stem

_RELATED = """
acquire get gain obtain receive buy purchase procure
get receive obtain gain be-given collect earn entitled eligible qualify
give provide supply offer grant issue hand deliver lend
entitle eligible qualify right allow permit can may
allow permit let enable authorise can possible fine ok okay free able
forbid prohibit ban disallow bar off-limits illegal
refuse reject deny decline turn-down
accept approve agree consent sign-off clear pass
approve approval authorise authorisation permission consent sign-off okay clearance
must need require necessary mandatory oblige duty demand essential compulsory
responsible duty charge task job accountable own owner up
decide decision determine choose choice rule up settle
choose select pick opt decide elect nominate
prefer preference rather favour favor like recommend
recommend advise suggest encourage should advice urge propose
ask request apply seek demand require petition
application request ask apply petition submission
submit send hand file turn deliver lodge upload enter
send mail post email forward transmit dispatch deliver ship go
email mail write message contact
call phone telephone ring dial contact
contact reach write call email tell notify speak ask
tell inform notify say let-know announce report alert advise brief communicate
announce publish post release declare
report tell notify flag raise disclose log file
speak talk say discuss present
discuss talk conversation meeting chat consult
answer reply respond response react get-back
explain describe clarify tell say
show display present see appear visible
see view look find read check visit consult refer
look check review see examine inspect
check verify confirm inspect review examine test validate control audit
confirm verify acknowledge approve certify
find locate discover detect spot notice identify
notice detect spot see observe recognise suspect
keep retain store hold save maintain preserve stay leave record
store keep stock hold save archive file
stay remain keep continue last hold
last take run continue endure go length long duration
take need require last spend long
run operate work manage function go
manage run lead head direct supervise oversee control administer
lead head manage chair direct guide
supervisor manager boss lead leader superior
employee staff worker member people person colleague everyone personnel team workforce
employee employ work workforce staff
person people someone anyone everyone individual human member
everyone all everybody each every anyone any
nobody none no
new recent fresh newly newcomer
hire recruit employ take-on appoint onboard join newcomer
newcomer new hire starter joiner recruit
leave quit resign depart go exit end
leaver leave quit resign departing exit
leave vacation holiday time-off absence pto off
absence leave away off
sick ill illness sickness medical health
doctor physician medical
retire retirement pension
pension retirement retire
dismiss fire terminate let-go
join attend participate enter take-part become
attend join visit participate go come
meet meeting session call gathering
meeting session conference call event
event conference session function
participate join attend take-part involve
invite ask call request
visit come go see attend
visitor guest
arrive come reach get
come arrive get return
return come back give-back bring-back
bring carry take
carry bring transport hold take
transport travel transit carry move
commute travel journey work
travel trip journey tour
trip journey travel visit
drive car vehicle ride
ride drive trip
fly flight plane airline air
train rail subway metro transit
bus coach
ship vessel boat ferry launch
sail run operate go crossing
crossing trip sailing
harbour port dock
hotel accommodation lodging room stay
room space
stay lodging night hotel
meal food eat lunch dinner breakfast
food meal eat
drink beverage
pay payment paid cost charge reimburse cover spend fund money expense compensate compensation
cost price fee charge pay expense rate expensive
charge fee cost pay bill
free cost-free gratis no-charge complimentary nothing
reimburse refund repay pay claim compensate back
refund money-back reimburse return repay
claim request reimburse voucher
bill invoice charge
invoice bill
salary pay wage income earnings remuneration
bonus award reward extra premium
award prize bonus grant
allowance per-diem benefit stipend payment
budget fund money
money cash fund cent penny sum amount
cash money
cent penny money
spend expense pay use cost
expense cost spending
save keep store
buy purchase order acquire procure shop
sell offer
order purchase buy request book
book reserve reservation booking arrange schedule
reserve book hold keep
cancel call-off drop abandon annul scrap
postpone delay defer move
delay late wait postpone
late delay overdue behind
early soon ahead
wait hold delay pause
hurry fast quick
fast quick rapid swift soon prompt
prompt immediate quick instant fast
immediate instant once straightaway prompt right-away now
begin start commence open launch enter
start begin commence launch open first
end finish close conclude stop complete expire terminate over
finish complete end done conclude finalise
complete finish fill done end
final finalise definite last
finalise complete finish settle
stop end halt cease quit cancel
expire lapse end run-out invalid lose
lapse expire forfeit lose
forfeit lose lapse
lose forfeit lapse miss
valid good effective current hold
effective force apply valid active take-effect show
apply hold count valid
renew extend prolong refresh reset again
extend prolong lengthen longer renew
reset restart fresh renew
repeat again
change alter modify amend update edit adjust
edit change modify revise correct
update change refresh revise
correct right fix
fix repair mend correct resolve
improve better enhance
solve resolve fix
add include append
remove delete take-away drop erase clear
delete remove erase destroy clear wipe
destroy delete shred lose erase
clear empty delete wipe erase
empty clear
throw dispose discard bin
dispose discard throw
create make produce set-up generate build establish found
found establish create set-up start
establish set-up found create
build make create construct
make create produce do
write compose draft author document text
author writer write
document record paper file
record log note document register enter
note record write memo
log record register history
register sign-up enrol enter record
enrol register sign-up join
sign signature
form paperwork document questionnaire
certificate licence credential
licence permit license
card badge pass
badge card id pass
id identification identity
identify name recognise
name call title
page site website
website site page web online
online web internet remote
offline in-person
software application app tool program
app application software tool
tool app software instrument
computer laptop machine pc device
device machine equipment hardware computer phone
equipment gear device kit hardware
laptop computer notebook
phone mobile telephone cell
screen monitor display
connect link attach plug join hook
link connect url
network internet
login log-in sign-in access account
account login profile
password passphrase passcode credential
access reach enter get use available open
enter access come join
open start unlock accessible
close shut lock end
shut close turn-off
lock block close secure
block lock bar ban stop
switch-off shut-down turn-off off
switch-on turn-on on
secure safe protect
safe secure
protect secure guard safeguard
secret confidential private sensitive
sensitive private personal confidential
private personal
personal own private
own personal self themselves
share give distribute pass
public open
data information record
information data detail fact
message text chat note
incident event accident issue problem
problem issue trouble difficulty fault
issue problem ticket
accident incident injury
injury hurt wound
hurt injure
danger risk hazard
risk danger
emergency urgent crisis
urgent emergency pressing
help assist support aid
support help assist aid
care support look-after
train training course class lesson teach learn
course class training lesson
class course lesson training
teach train instruct
learn study
test exam check trial
try attempt
attempt try
goal aim target objective purpose
aim goal target intend want
target goal aim
plan schedule intend
intend plan mean want
want wish like need
schedule plan timetable calendar arrange set
timetable schedule
deadline due limit date
due deadline expected
date day time
day daily date
week weekly
month monthly
year annual yearly
hour hourly
annual yearly year
often frequent regular
regular usual frequent routine normal
usual normal general typical common regular standard
normal usual standard regular
default standard usual automatic
automatic automatically self
manual hand
general usual rule
rule policy regulation guideline law
law legal act statute
legal law lawful
policy rule guideline
guideline guidance policy rule
guidance advice guideline
contract agreement deal
agreement contract accord
agree consent accept approve
allow tolerate
limit maximum cap ceiling restrict most
restrict limit confine
maximum most limit
minimum least
increase rise raise grow go-up more
decrease reduce drop fall lower cut less
reduce cut lower decrease
cut reduce end stop revoke remove
rise increase climb grow
grow increase rise
extra additional further more another overtime
additional extra further more other
remaining left leftover unused rest
left leftover remaining
unused leftover remaining
rest remaining break
break pause rest
part portion share piece
half part
whole entire full complete
full complete entire whole
amount sum quantity total
total sum amount overall
number figure count amount
count number
size large
large big great
big large
small minor little
minor small slight
important essential key crucial significant
key important main
main primary chief key
primary main first
first initial
initial first early
last final previous
previous prior earlier former before last
former previous ex
next following after subsequent
following next after
current present now today
present current attend
today now current
now currently
soon early
good fine well
bad poor
wrong incorrect false bad fail
fail wrong unsuccessful
success successful succeed
same equal identical
equal same
different other
other another different
similar alike same
kind type sort
type kind sort
place location spot site put
location place site where
site place location
office workplace building
building office facility premises
facility building site
premises building
home house remote telework
telework remote home
remote telework home
local nearby
abroad overseas foreign
city town
town city downtown
centre center middle
area region zone
region area
country nation
government federal state public
federal government
agency department organisation office
organisation company agency institution
company organisation business firm employer
business company work
department unit division team
team group crew unit
group team set
unit department team
crew team staff
partner client customer
client customer partner
customer client passenger
passenger traveller rider customer
traveller passenger
supplier vendor contractor provider
provider supplier vendor
vendor supplier
contractor vendor supplier
user person member
member participant person
candidate applicant
applicant candidate
interview talk
role position job post
position role job post
job role work position
work job labour
task work job assignment
project work
assignment task
performance achievement
rate assess evaluate rating
rating rate grade level
evaluate assess rate appraise review evaluation
assess evaluate review
appraisal evaluation review assessment
feedback comment
comment remark feedback
complain complaint
question query ask
vote election
elect vote
appoint name
child kid baby
parent mother father family
family relative parent
relative family
friend
spouse partner
baby child
clothes clothing uniform
uniform clothes
park parking
garage parking
deposit payment
account bank
bank account
insurance cover coverage
cover insure include pay
include cover contain comprise consist
contain include hold comprise
consist comprise include contain
receipt proof
proof evidence receipt
evidence proof
reason cause why because
cause reason lead
because since due
justify justification reason explain
effect result impact
result outcome effect
happen occur place
occur happen
place-take happen
check-in report
weather wind
wet rain
hand give pass
hand-in give submit deliver
pass give hand
collect pick-up gather fetch
fetch collect get
gather collect
wear dress
dress wear clothes
need must
permanent forever indefinite always
forever indefinite permanent always
indefinite forever permanent
always every constant
aboard board
board
waive drop exempt free
exempt free excuse waive
skip omit leave-out
omit skip leave-out
exclude omit leave-out
avoid prevent
prevent avoid stop
follow obey comply
comply follow obey adhere
obey follow comply
break violate
violate break breach
depend rely
expect anticipate likely
likely probable expect
certain sure
sure certain
possible can may
aware know
know aware
remember recall
forget miss
mean signify
call-off cancel
use employ utilise apply
utilise use
need-not skip
able can
through via
via through
near close
far distant
reside live
live reside
belong own
own have
hold have keep
possess own have
lack without missing
miss lack absent
bring take
archive store
display show
mark flag label tag
tag label mark
label mark tag
flag mark report
topic subject
subject topic
title heading
list enumerate
order sequence
version edition
copy duplicate
duplicate copy
original first
draft write
print paper
paper document
read see
hear listen
search look find
click press push
press push click
step stage phase
phase stage step
process procedure handle
procedure process method way
method way procedure
handle process deal manage
deal handle
treat handle
service offering
offer provide
available offered ready open
ready prepared
prepare ready
deliver provide bring
launch release start
release launch publish
publish release post
merge combine
combine merge join both
separate split apart
split divide separate
divide split share
review check look
examine check
monitor watch
watch monitor observe
guard protect
escort accompany
accompany escort go
shift turn
turn shift
duty obligation
obligation duty
fault blame
blame fault
punish discipline penalty
discipline punish
penalty fine punish
fine penalty
"""


def _lines() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_RELATED.strip().splitlines()):
        for word in line.split():
            found.setdefault(stem(word), set()).add(number)
    return {word: frozenset(lines) for word, lines in found.items()}


_LINES = _lines()
_NONE: frozenset[int] = frozenset()
RELATED = 0.8
_SHORTEST = 4
"""Letters that two words must begin with in common to be of one family: approve, approval."""


def lines_of(name: str) -> frozenset[int]:
    """Which lines a stem stands in; two stems that share one are related."""
    return _LINES.get(name, _NONE)


def beginning(name: str) -> str:
    """Stems of one family begin with it."""
    return name[:_SHORTEST]


@lru_cache(maxsize=1 << 16)
def relation(one: str, other: str) -> float:
    """How likely two different stems stand for the same in a retold text: 0, or 0.7 to 0.8."""
    if not _LINES.get(one, _NONE).isdisjoint(_LINES.get(other, _NONE)):
        return RELATED
    return 0.7 if _of_one_family(one, other) else 0.0


def _of_one_family(one: str, other: str) -> bool:
    short = min(len(one), len(other))
    if short < _SHORTEST or not (one.isalpha() and other.isalpha()):
        return False
    common = next((at for at in range(short) if one[at] != other[at]), short)
    return common >= max(_SHORTEST, short - 1) and max(len(one), len(other)) - common <= 4

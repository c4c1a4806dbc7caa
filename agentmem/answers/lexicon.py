"""The English words that the guard knows: words without content, synonyms, and words that must not be swapped.

Written by hand from general knowledge of the language. Each table is text with one group a line, so that it can be read
and extended. Words are in their plain form, and are compared by their stems (`agentmem.answers.words`).
"""

FUNCTION = """
a an the this that these those some any each every it its they them their theirs he him his she her hers we us our
ours
i me my mine myself you your yours yourself one ones there here
am is are was were be been being do does did doing done have has had having will would shall should can could may
might must
to of in on at for from by with about into onto upon than then as if when whenever while because since so and or but
also too
what which who whom whose where why how whether
get got gets getting go goes going went want wants wanted need needs needed like make makes made let lets try trying
tried
know tell see say show give gives given find take takes taken use using used happen happens happened help able
possible
just still already really very quite actually currently right now again even only ever yet please thank thanks
way ways thing things something anything someone anyone stuff kind sort bit lot lots much many more most long often
possible allowed supposed process procedure method steps step exactly possibly else
up out over off down back through
um uh er erm hmm yeah yep nope somewhere anywhere somebody anybody everybody everyone everything
"""
"""Words that alone do not make two questions different."""

IDLE = "a an the is are am um umm uh uhm er erm eh hm hmm yeah well so please"
"""Words that can be left out without changing a question's words."""

PLEASANTRIES = (
    r"^(?:hi|hiya|hey|hello|good (?:morning|afternoon|evening))(?: (?:there|team|all|guys|everyone|folks))?\b",
    r"^(?:quick (?:one|question)|just (?:wondering|curious|checking)|i was wondering|i am wondering|excuse me)\b",
    r"\b(?:many thanks|thanks (?:in advance|a lot|so much)|thank you(?: (?:very|so) much)?|thanks|cheers)$",
    r"\b(?:kind regards|best regards|regards)$",
    r"\b(?:please|pls|plz|kindly)\b",
    r"^(?:so|ok|okay|well|and|but|um|uh|oh|yes|yeah)\b",
    r"\bi (?:do not|dont) (?:really )?(?:know|understand|get)(?= (?:how|what|where|when|why|which|if|whether)\b)",
    r"\bi am not sure(?= (?:how|what|where|when|why|which|if|whether)\b)",
    r"\bi have no (?:idea|clue)(?= (?:how|what|where|when|why|which|if|whether)\b)",
    r"\bwhy not$",
    r"\b(?:damn|goddamn|fucking|bloody|freaking)\b",
)
"""Phrases around a question: polite ones, oaths, and "I do not know how", whose "not" is none of the question. They are
removed repeatedly, until none is found."""

CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "cant": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "ain't": "is not", "dont": "do not", "doesnt": "does not", "didnt": "did not",
    "isnt": "is not", "wasnt": "was not", "hasnt": "has not", "havent": "have not", "couldnt": "could not",
    "wouldnt": "would not", "shouldnt": "should not", "arent": "are not", "whats": "what is", "wheres": "where is",
    "hows": "how is", "whos": "who is", "im": "i am", "ive": "i have", "thats": "that is", "let's": "let us",
}  # fmt: skip

IRREGULAR = {
    "children": "child", "men": "man", "women": "woman", "people": "person", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "lives": "life", "wives": "wife", "knives": "knife", "shelves": "shelf", "leaves": "leave",
    "sent": "send", "bought": "buy", "paid": "pay", "left": "leave", "lost": "lose", "came": "come", "began": "begin",
    "begun": "begin", "broke": "break", "broken": "break", "stole": "steal", "stolen": "steal", "kept": "keep",
    "told": "tell", "took": "take", "wrote": "write", "written": "write", "ran": "run", "chose": "choose",
    "chosen": "choose", "sold": "sell", "forgot": "forget", "forgotten": "forget", "spent": "spend", "found": "find",
    "won": "win", "withdrew": "withdraw", "withdrawn": "withdraw", "froze": "freeze", "frozen": "freeze",
    "grew": "grow", "grown": "grow", "fell": "fall", "fallen": "fall", "held": "hold", "met": "meet", "read": "read",
    "brought": "bring", "caught": "catch", "taught": "teach", "thought": "think", "felt": "feel", "built": "build",
    "lent": "lend", "drew": "draw", "drawn": "draw", "flew": "fly", "flown": "fly", "ate": "eat", "eaten": "eat",
    "drove": "drive", "driven": "drive", "rose": "rise", "risen": "rise", "said": "say", "hid": "hide",
    "hidden": "hide", "bigger": "big", "biggest": "big", "better": "good", "worse": "bad", "cancelled": "cancel",
    "cancelling": "cancel", "fastest": "fast", "faster": "fast", "quickest": "quick", "quicker": "quick",
    "cheapest": "cheap", "cheaper": "cheap", "larger": "large", "largest": "large", "smaller": "small",
    "smallest": "small", "nearest": "near", "closest": "near", "expiry": "expire", "arrival": "arrive",
}  # fmt: skip
"""Irregular forms, which no rule on endings finds."""

NEGATIONS = frozenset(
    ("not", "no", "never", "none", "nothing", "nobody", "nowhere", "without", "neither", "nor", "cannot", "unable")
)

NUMBERS = {
    "zero": 0, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5,
    "twice": 2, "double": 2, "triple": 3, "dozen": 12,
}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 1000, "k": 1000, "million": 1_000_000, "billion": 1_000_000_000}

SYNONYMS = """
cancel end terminate discontinue
buy purchase order get
begin start commence open
find locate
shop store
fast quick rapid speedy
photo picture image pic
phone telephone mobile cell cellphone smartphone
fix repair mend resolve solve
change update modify alter edit amend switch swap adjust
delete remove erase
client customer
company corporate firm
cost price fee charge rate pay expense
big large
small little
car vehicle auto automobile motor
job position role
holiday vacation leave
broken faulty defective damaged
parcel package order delivery shipment item
delivery shipping dispatch
ship deliver dispatch send post mail
refund reimburse reimbursement money
receive get obtain
close shut
help assist support
contact reach call ring speak talk
sign-in signin login log
signup register enrol enroll join apply
verify confirm check validate authenticate
verification check confirmation
identity id
password passcode passphrase
topup top-up reload recharge
kid child toddler youngster
boss manager employer
coworker colleague teammate
staff employee worker personnel
allow permit let accept support can
forbid ban prohibit bar disallow
lawful legal
unlawful illegal
choose select pick
show display view see
create make generate produce add new
book reserve
booking reservation
movie film
trip journey travel
luggage baggage bag
doctor gp physician
medicine medication drug
jab vaccine vaccination shot injection immunisation immunization
ill sick unwell
weather forecast
guarantee warranty
steal stolen theft
lose lost missing misplace
wrong incorrect mistaken
error mistake fault
problem issue trouble
work function operate
explain describe
require need necessary mandatory
document paperwork
location place address where
opening hours
bill invoice
statement summary
payment transaction
atm cashpoint machine
withdraw withdrawal
transfer move send
fund money cash
decline reject refuse deny
link connect
invite add
team workspace
mute silence
size large
text font
downside drawback disadvantage con
benefit advantage upside pro perk
last final
latest newest current
earlier previous prior
website site webpage
app application
web online internet
pc computer laptop
purpose reason goal aim objective
guide tutorial manual instruction guidance documentation
information info detail data
service support assistance help
open create register
calculate determine compute work-out
road street
song track tune
score rating
request order demand ask
define describe mean
importance significance
extra additional
average typical
substitute replacement replace
recall remember
remain leave
fun exciting
believe think
immediate quick instant
quick soon
person human people individual
put place
reset restore revert
terrible awful bad horrible
happy glad
sad unhappy
smart intelligent clever
rich wealthy
famous popular well-known
hard difficult tough
easy simple
funny hilarious
movie film picture
earn make
learn study
talk speak
hate dislike
hope wish
difference distinction
maximum limit max highest top
minimum min lowest
time hour when
available offer provide
wifi wi-fi wireless
cheap inexpensive affordable
costly expensive pricey
meal food
grocery groceries
freeze block lock
unfreeze unblock unlock reactivate
activate enable
deactivate disable
exchange convert conversion
currency money
amount sum total
country nation abroad
abroad overseas international foreign
arrive come
leave quit depart exit
stay remain
home house
flat apartment
attorney lawyer solicitor
teacher tutor instructor
increase raise boost
decrease reduce lower
beginner novice
folder directory
method function
library package
"""
"""Words that may replace each other. A word may be in several groups; groups are not merged."""

UNITS = {
    "week": (7, "day"), "fortnight": (14, "day"), "year": (365, "day"), "month": (30, "day"),
    "hour": (60, "minute"), "hr": (60, "minute"), "min": (1, "minute"), "percent": (1, "%"), "pct": (1, "%"),
}  # fmt: skip
"""Units in terms of others, with the factor. A month is 30 days and a year 365, as in everyday speech."""

OPPOSITES = """
open | close shut
on | off
over above more | under below less fewer
before | after
start begin launch resume continue | stop end finish pause halt quit
enable activate allow permit accept grant include approve support | disable deactivate ban forbid prohibit disallow
  deny exclude reject refuse decline revoke block restrict avoid
safe | unsafe dangerous harmful risky
legal lawful | illegal unlawful
increase raise boost grow gain up more high big large | decrease reduce lower low cut shrink drop lose less few small
improve help strengthen protect | damage hurt harm ruin weaken worsen
enough sufficient | insufficient
domestic short-haul | international long-haul
takeaway collection delivery | dine-in
ahead upfront prepaid | arrears afterwards
upgrade | downgrade
add join install attach create invite register subscribe enrol book | remove delete leave uninstall detach destroy
  kick unsubscribe cancel withdraw
cancel end terminate close | start renew extend keep reinstate resume open
buy purchase | sell return
send pay transfer deposit give lend | receive withdraw take borrow collect
deposit | withdraw withdrawal
login signin sign-in | logout signout sign-out
import upload | export download
upload push | download pull
lock freeze block mute hide archive follow pin pair | unlock unfreeze unblock unmute unhide unarchive unfollow unpin
  unpair
hide conceal private | show reveal public visible display
public | private
benefit advantage pro upside perk strength | drawback disadvantage con downside risk weakness
best good | worst bad
most | least
more | less fewer
maximum highest max top upper most longest latest | minimum lowest min bottom lower least shortest earliest
hot warm | cold cool
large big long tall high heavy wide old | small little short low light narrow new young
cheap cheapest | expensive costly dear
fast quick | slow
early | late
first | last
win won | lose lost
pass succeed success | fail failure
true correct | false incorrect
with include | without exclude
allow | avoid ban
eat drink take use do | avoid skip stop
require mandatory compulsory necessary | optional voluntary
include cover | exclude
eligible qualify entitle | ineligible disqualify
free | paid chargeable
refundable | non-refundable nonrefundable
taxable | exempt tax-free
full | empty part
remain remaining left | used spent gone
full-time fulltime permanent salaried | part-time parttime temporary casual zero-hour
employed employee | self-employed unemployed freelance
employer boss landlord buyer lender teacher doctor host sender seller parent owner | employee staff tenant seller
  borrower student patient guest recipient buyer child renter lodger
incoming inbound inward | outgoing outbound outward
arrive arrival | depart departure leave
check-in checkin | check-out checkout
entry entrance enter | exit
import | export
input | output
online digital electronic | offline paper in-person instore post
domestic national local | international foreign overseas abroad
single sole individual personal | joint shared return couple family business corporate
personal | business corporate commercial company
home domestic uk | abroad overseas international
internal | external outside
indoor inside | outdoor outside
male man men boy husband | female woman women girl wife
adult | child kid baby infant toddler teenager
left | right
north | south
east | west
north | east west
morning am | evening pm night afternoon
day | night
weekday | weekend
today | tomorrow yesterday
same | next different
same-day | next-day
monthly | yearly annual annually weekly daily
summer | winter
spicy hot | mild
raw | cooked
fixed | variable tracker flexible
gross | net
debit | credit
savings | current checking
strong | weak
positive | negative
encrypt | decrypt
compress zip | decompress unzip extract
connect link pair mount sync | disconnect unlink unpair unmount
push | pull
read | write
turn-on | turn-off
merge | split
expand | collapse
show | hide
accept | decline
love like | hate dislike
remember | forget
push | pop
ascending | descending
horizontal | vertical
minor | major
lender | borrower
encourage | discourage
save | delete spend
build | destroy demolish
fill | drain empty
wet | dry
clean | dirty
sender | recipient
old previous former | new latest current
make gain | lose
virgin | used
used secondhand | new
permanent | temporary
get obtain receive download | check verify view locate look
basic standard free economy starter | premium pro enterprise business deluxe extended plus
undergraduate bachelor | postgraduate graduate master phd doctorate
primary | secondary
sync async | synchronous asynchronous
"""
"""Words on the left and right of a bar must not be swapped."""

KINDS = """
monday, tuesday, wednesday, thursday, friday, saturday, sunday, weekend, bank-holiday, today, tomorrow, yesterday
january jan, february feb, march, april, may, june jun, july jul, august aug, september sep, october oct, november
  nov, december dec
spring, summer, autumn fall, winter
christmas xmas, easter, thanksgiving, halloween, ramadan, diwali
morning, afternoon, evening, night, noon midday, midnight, dawn sunrise, dusk sunset
day daily, week weekly, month monthly, quarter quarterly, year yearly annual
hour, minute, second
red, blue, green, yellow, black, white, orange, purple, pink, brown, grey gray, amber
breakfast, lunch, dinner, brunch, supper
mother mum mom, father dad, son, daughter, brother, sister, wife, husband, partner, grandmother, grandfather, uncle,
  aunt, friend
adult, child kid, baby infant, student, senior pensioner, teenager
economy, business, first-class
email, sms text, letter, fax
cash, cheque, card, paypal, bitcoin, crypto, applepay, googlepay
iphone ios ipad, android, windows, mac macos, linux
chrome, firefox, safari, edge
visa, mastercard, amex
euro eur, dollar usd, pound gbp sterling, yen jpy, franc chf, aud, cad, rupee inr
dog puppy, cat kitten, rabbit, horse, bird, fish, hamster
train, bus, plane flight, car, bike bicycle, taxi, tram, ferry, boat, motorbike
beef, chicken, pork, lamb, fish, tofu, rice, quinoa, pasta, bread, potato
coffee, tea, juice, beer, wine, water
flat apartment, house, office, garage, shop, warehouse
passport, visa, licence license, permit
boiler, radiator, shower, toilet, tap, oven, fridge, dishwasher
knee, hip, shoulder, back, ankle, wrist, elbow, neck, foot, hand
car, home, travel, pet, life, health, contents, buildings, dental
delivery, billing, shipping, email, home, work
delivery, takeaway, dine-in, collection pickup, in-store
small, medium, large
england, scotland, wales, ireland, france, spain, germany, italy, portugal, canada, china, japan, india, australia,
  austria, america usa, brazil, mexico, russia, sweden, switzerland, greece, turkey, egypt, poland, netherlands,
  belgium, norway, denmark, finland
london, paris, berlin, madrid, rome, tokyo, bristol, brighton, manchester, leeds, oxford, cambridge, edinburgh,
  glasgow, liverpool, birmingham, york, bath, boston, chicago
english, french, german, spanish, italian, chinese, japanese, portuguese, russian, arabic, hindi
italian, thai, indian, chinese, mexican, french, japanese, greek, turkish
python, ruby, java, javascript, typescript, golang, rust, php, perl, kotlin, swift, scala
mysql, postgres postgresql, sqlite, mongodb, redis, oracle
message, account, project, organisation organization, file, folder, user, comment, post, photo, password, username,
  pin
kitchen, bathroom, bedroom, garden, garage
metre meter, kilometre, mile, foot, inch, yard
kilogram kilo kg, gram, pound, ounce, stone
celsius, fahrenheit, kelvin
gold, silver, platinum, bronze
father, mother, stepfather, stepmother
student, teacher, parent, visitor, member, guest, nonprofit, charity
"""
"""Things of one kind; commas separate different ones. Questions that name different things are different."""

QUALIFIERS = """
joint extended premium business commercial corporate enterprise international overseas foreign abroad domestic junior
senior undergraduate postgraduate part-time full-time temporary permanent self-employed freelance prepaid refurbished
second-hand emergency express overnight same-day next-day first-class unlimited private shared group family student
virtual disposable contactless recurring one-off partial expired faulty damaged lost stolen pregnant disabled
international unmarried married divorced retired unemployed landlord tenant wholesale bulk vegan vegetarian halal kosher
gluten-free organic offline child kid children baby toddler teenager son daughter mother mum mom father dad parent
grandmother grandfather grandparent brother sister wife husband spouse partner fiancé ex-partner elderly deceased late
friend colleague guest visitor
"""
"""Words that narrow a question. If only one question has such a word, the two are different."""

REVERSERS = "stop avoid prevent except unless besides excluding lacking missing against despite"
"""Words that reverse a question as "not" does."""

ACTS = """
create open register build add start enter launch
use using
edit change modify update correct alter amend adjust revise
switch swap exchange convert move migrate transfer
delete remove erase close cancel terminate deactivate stop end
rename
copy duplicate clone
print
scan
share publish
install
uninstall
sort
filter
sell
buy purchase
rent hire lease
borrow
repair fix mend
replace
clean wash
paint
cook bake
freeze
eat
drink
import upload
export download
merge join combine
split divide
"""
"""Verbs by what they do. Two questions of which each has a verb of another line are about different acts."""

TOWARDS = "change move upgrade downgrade switch"
"""Verbs that before "to" or "from" are a switch from one thing to another."""

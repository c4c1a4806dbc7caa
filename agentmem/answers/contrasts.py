"""The English words that must not stand for each other: opposites, things of one kind, acts, and words that narrow.

Written by hand from general knowledge of the language, one group a line, as in `agentmem.answers.lexicon`.
"""

OPPOSITES = """
for | against
open | close shut
on | off
over above more | under below less fewer
before within during | after once
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
greatest most largest biggest maximum | least fewest smallest minimum
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
same identical equal | next different opposite unequal
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
remember know | forget
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
odd | even
much many | little few
singular | plural
masculine | feminine
front | rear back
freehold | leasehold
prime | composite
artery | vein
predator | prey
cause | effect
upstream | downstream
native | foreign
liquid | solid
guilty | innocent
succeed | precede
wholesale | retail
rural | urban
acid | base alkali
convex | concave
absolute | relative
theory | practice
local | global
landlord | tenant
plaintiff claimant | defendant
employer | employee
guest | host
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
visa, mastercard, amex, maestro, discover
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
friend colleague guest visitor next previous north south east west northern southern eastern western pro plus max mini
ultra lite deluxe classic alone
"""
"""Words that narrow a question. If only one question has such a word, the two are different."""


REVERSERS = "stop avoid prevent except unless besides excluding lacking missing despite"
"""Words that reverse a question as "not" does."""


ACTS = """
create open register build add start enter launch
use using
edit change modify update correct alter amend adjust revise
switch swap exchange convert change move migrate transfer
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

"""The English words that the guard knows: words without content, phrases around a question, numbers, synonyms.

Written by hand from general knowledge of the language. Each table is text with one group a line, so that it can be read
and extended. Words are in their plain form, and are compared by their stems (`agentmem.answers.words`).
"""

from functools import cache

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
assistance wanna gonna gotta ur ya
um uh er erm hmm yeah yep nope somewhere anywhere somebody anybody everybody everyone everything
"""
"""Words that alone do not make two questions different."""

FORMS = """
get want need like make let try know tell see say show give find take use happen help allow
way thing step method process procedure kind sort lot thank
"""
"""Those of them that have other forms, such as "taking" and "ways"."""

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
    r"^(?:sorry|apologies|forgive me|pardon)(?: (?:if|that|for) (?:this|it|the|my)(?: is| sounds| seems)?(?: an?)?)?"
    r"(?: (?:really|very|quite|super|probably))*(?: (?:silly|dumb|stupid|obvious|basic|odd|weird|ignorance))*"
    r"(?: (?:question|one))?(?: but)?\b",
    r"^(?:this|it|that) (?:may|might|is|will|sounds)(?: \w+){0,3}? (?:silly|dumb|stupid|basic|obvious|weird)"
    r"(?: question)? but\b",
    r"^(?:a )?(?:dumb|silly|stupid|noob|newbie|basic|random|stupid) question\b",
    r"\b(?:i|we) (?:would|will|should|d)"
    r" (?:be (?:\w+ )?(?:grateful|thankful|glad|happy|obliged)|(?:really )?appreciate it)"
    r" if (?:you|someone|anyone|somebody) (?:could|can|would|will|might)"
    r"(?: (?:explain|advise|clarify)(?: to me| me)?)?\b",
    r"\b(?:could|can|would|will) (?:you|someone|anyone|somebody)(?: kindly| possibly)?"
    r" (?:explain|clarify|advise)(?: to me| me)?(?= (?:how|what|where|when|why|which|who|if|whether)\b)",
    r"^(?:dear|greetings)(?: (?:sir|madam|sirs|team|all|support|or))*\b",
    r"^i hope (?:you are|this finds you|all is)(?: doing)? well\b",
    r"\b(?:asking for a friend|any ideas|any help(?: is| would be)? appreciated|help appreciated)$",
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
    "smallest": "small", "nearest": "near", "closest": "near", "expiry": "expire", "arrival": "arrive", "meant": "mean",
    "marriage": "marry", "growth": "grow", "choice": "choose", "proof": "prove", "belief": "believe",
    "advice": "advise", "analysis": "analyze", "departure": "depart", "closure": "close", "failure": "fail",
    "jan": "january", "feb": "february", "apr": "april", "jun": "june", "jul": "july", "aug": "august",
    "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
}  # fmt: skip
"""Irregular forms, which no rule on endings finds, and what is short for months."""

IRREGULAR_VERBS = """
awake awoke awoken, bear bore borne, beat beaten, become became, bend bent, bid bade bidden, bite bitten, bleed bled,
blow blew blown, breed bred, burn burnt, cling clung, creep crept, deal dealt, dig dug, dream dreamt, drink drank,
feed fed, fight fought, flee fled, fling flung, forbid forbade forbidden, forgive forgave forgiven, forsake forsaken,
hang hung, hear heard, kneel knelt, lay laid, lead led, lean leant, leap leapt, learn learnt, light lit, mistake
mistook, overcome overcame, overtake overtook overtaken, rewrite rewrote rewritten, ride rode ridden, ring rang rung,
seek sought, shake shook shaken, shine shone, shoot shot, shrink shrank shrunk, sing sang sung, sink sank sunk, sit
sat, sleep slept, slide slid, smell smelt, speak spoke spoken, speed sped, spill spilt, spin spun, spoil spoilt,
spring sprang sprung, stand stood, stick stuck, sting stung, strike struck stricken, strive striven, swear swore
sworn, sweep swept, swell swollen, swim swam swum, swing swung, tear tore torn, throw threw thrown, undergo underwent
undergone, understand understood, wake woke woken, wear wore worn, weave wove woven, weep wept, withhold withheld,
wring wrung
"""
"""Further verbs, each with its past forms."""

BRITISH = """
tyre tire, colour color, favour favor, favourite favorite, flavour flavor, honour honor, humour humor, labour labor,
neighbour neighbor, neighbourhood neighborhood, odour odor, rumour rumor, harbour harbor, vapour vapor, behaviour
behavior, armour armor, parlour parlor, tumour tumor, mould mold, moult molt, plough plow, draught draft, kerb curb,
grey gray, centre center, theatre theater, metre meter, litre liter, fibre fiber, calibre caliber, kilometre
kilometer, spectre specter, millimetre millimeter, centimetre centimeter, millilitre milliliter, kilogramme kilogram,
gramme gram, programme program, licence license, defence defense, offence offense, pretence pretense, practise
practice, aluminium aluminum, jewellery jewelry, jeweller jeweler, pyjamas pajamas, moustache mustache, aeroplane
airplane, sceptical skeptical, catalogue catalog, analogue analog, dialogue dialog, cheque check, maths math, mum mom,
storey story, whisky whiskey, yoghurt yogurt, doughnut donut, omelette omelet, chilli chili, paediatric pediatric,
paediatrician pediatrician, anaemia anemia, anaesthetic anesthetic, anaesthesia anesthesia, diarrhoea diarrhea,
oestrogen estrogen, foetus fetus, haemorrhage hemorrhage, haemoglobin hemoglobin, leukaemia leukemia, oesophagus
esophagus, orthopaedic orthopedic, organise organize, realise realize, recognise recognize, apologise apologize,
analyse analyze, paralyse paralyze, customise customize, optimise optimize, minimise minimize, maximise maximize,
initialise initialize, serialise serialize, normalise normalize, authorise authorize, summarise summarize, sterilise
sterilize, memorise memorize, finalise finalize, prioritise prioritize, specialise specialize, visualise visualize,
capitalise capitalize, categorise categorize, fulfil fulfill, enrol enroll, instalment installment, travelling
traveling, traveller traveler, travelled traveled, labelled labeled, labelling labeling, modelling modeling, modelled
modeled, fuelled fueled, dialled dialed
"""
"""Words in British spelling, each with the American one."""

NEGATIONS = frozenset(
    ("not", "no", "never", "none", "nothing", "nobody", "nowhere", "without", "neither", "nor", "cannot", "unable")
)

NUMBERS = {
    "zero": 0, "half": 0.5, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
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
keep stop
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
baby young
defrost thaw
fridge refrigerator
freezer deepfreeze
tap faucet
aubergine eggplant
courgette zucchini
coriander cilantro
prawn shrimp
lift elevator
nappy diaper
pavement sidewalk
petrol gasoline gas
lorry truck
rubbish garbage trash litter
bin dustbin trashcan
torch flashlight
trousers pants
jumper sweater pullover
pram stroller pushchair
cot crib
dummy pacifier
postcode zip zipcode
motorway highway freeway
spanner wrench
hoover vacuum
grill broil
football soccer
mobile handset
holiday vacation
takeaway takeout
trainers sneakers
plaster band-aid
rucksack backpack
"""
"""Words that may replace each other. A word may be in several groups; groups are not merged."""

UNITS = {
    "week": (7, "day"), "fortnight": (14, "day"), "year": (365, "day"), "month": (30, "day"),
    "hour": (60, "minute"), "hr": (60, "minute"), "min": (1, "minute"), "percent": (1, "%"), "pct": (1, "%"),
    "kg": (1, "kg"), "kilo": (1, "kg"), "kilogram": (1, "kg"), "kilogramme": (1, "kg"), "lb": (1, "lb"),
    "lbs": (1, "lb"), "pound": (1, "lb"), "oz": (1, "oz"), "ounce": (1, "oz"), "km": (1, "km"),
    "kilometer": (1, "km"), "kilometre": (1, "km"), "mile": (1, "mi"), "mi": (1, "mi"), "cm": (1, "cm"),
    "centimeter": (1, "cm"), "centimetre": (1, "cm"), "mm": (1, "mm"), "millimeter": (1, "mm"),
    "millimetre": (1, "mm"), "meter": (1, "m"), "metre": (1, "m"), "liter": (1, "l"), "litre": (1, "l"),
    "inch": (1, "in"), "inches": (1, "in"), "feet": (1, "ft"), "foot": (1, "ft"), "ft": (1, "ft"),
}  # fmt: skip
"""Units in terms of others, with the factor. A month is 30 days and a year 365, as in everyday speech."""


@cache
def plain_forms() -> dict[str, str]:
    """Irregular forms, and British spellings with their endings, each with the plain word."""
    verbs = (one.split() for one in IRREGULAR_VERBS.split(","))
    spelt = (one.split() for one in BRITISH.split(","))
    ends = ("", "s", "d", "ed", "r", "rs")
    american = {f"{british}{end}": f"{plain}{end}" for british, plain in spelt for end in ends}
    bare = {f"{one[:-1]}ing": f"{to[:-1]}ing" for one, to in american.items() if one[-1] == to[-1] == "e"}
    return bare | american | {form: base for base, *past in verbs for form in past} | IRREGULAR

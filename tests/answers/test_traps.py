"""Traps and rewordings of the project's own, at untouched defaults and at a tuned threshold.

A trap is a question beside a kept one whose answer would be wrong for it, although nearly all words are the same.
"""

from functools import cache

import pytest

from agentmem.answers.decision import decider
from agentmem.answers.questions import normalised
from agentmem.answers.values import DEFAULT, Candidate, QueryPolicy
from agentmem.recall.embedder import MiniLM
from agentmem.types import Vectors

TUNED = 0.85
TRAPS = """
roles | Can a landlord sue a tenant for damage? | Can a tenant sue a landlord for damage?
roles | Does the buyer pay the seller's fee? | Does the seller pay the buyer's fee?
roles | How do I convert miles to kilometres? | How do I convert kilometres to miles?
roles | Is Rust faster than Go? | Is Go faster than Rust?
roles | Do cats chase dogs? | Do dogs chase cats?
roles | How do I migrate from Redis to Postgres? | How do I migrate from Postgres to Redis?
roles | Which trains run from Oslo to Bergen? | Which trains run from Bergen to Oslo?
quantity | May I bring two guests? | May I bring three guests?
quantity | Is a 5 kg dumbbell enough? | Is a 15 kg dumbbell enough?
quantity | Can I pay in 3 instalments? | Can I pay in 13 instalments?
quantity | What is 12 % of 250? | What is 12 % of 205?
quantity | Does the lift carry 8 people? | Does the lift carry 18 people?
versions | What is new in version 3.1? | What is new in version 3.11?
versions | Does it run on Windows 10? | Does it run on Windows 11?
versions | How do I upgrade Django 4 to 5? | How do I upgrade Django 3 to 4?
versions | Who was president during World War I? | Who was president during World War II?
versions | What is the toll on the A7? | What is the toll on the A8?
versions | When did Apollo 11 launch? | When did Apollo 12 launch?
tense | When did the museum open? | When will the museum open?
tense | Who won the election? | Who will win the election?
tense | Did the team go to the final? | Will the team go to the final?
asks | When does the course start? | Where does the course start?
asks | How long is the bridge? | How old is the bridge?
asks | How much does the ticket cost? | How many does the ticket cover?
asks | Who designed the tower? | When was the tower designed?
acts | How do I create an account? | How do I delete an account?
acts | How do I install the plugin? | How do I uninstall the plugin?
acts | How do I rename a folder? | How do I copy a folder?
acts | How do I share the document? | How do I print the document?
acts | Where can I rent skis? | Where can I buy skis?
letters | Is vitamin B good for hair? | Is vitamin D good for hair?
letters | How do I plot data in R? | How do I plot data in C?
letters | What is a class B licence? | What is a class C licence?
letters | What does x mean in this formula? | What does y mean in this formula?
code | What does i++ return? | What does ++i return?
code | What does ls -a show? | What does ls -A show?
code | How do I use & in bash? | How do I use && in bash?
code | What does a == b check? | What does a === b check?
code | What does git reset --soft do? | What does git reset --hard do?
code | What does chmod 755 do? | What does chmod 775 do?
code | WHERE price >= 100 | WHERE price <= 100
code | What does f(x) = -x mean? | What does f(x) = x mean?
code | What is the port of http://? | What is the port of https://?
functions | What does memcpy return? | What does memcmp return?
functions | How do I call isalpha? | How do I call isalnum?
functions | What does fork return in C? | What does vfork return in C?
names | What did Petrov decide? | What did Petrova decide?
names | Where does Stefan live? | Where does Stefanie live?
names | What is the population of Dominica? | What is the population of Dominicana?
names | Does the Lumix have a flash? | Does the Lumia have a flash?
names | How tall is Mont Blanc? | How tall is Mont Blond?
medicines | Can I take cetirizine with milk? | Can I take cinnarizine with milk?
medicines | Is tramadol addictive? | Is trazodone addictive?
medicines | How is losartan taken? | How is lisinopril taken?
polarity | Is it legal to fish here? | Is it illegal to fish here?
polarity | Can I enter with a helmet? | Can I enter without a helmet?
polarity | Which foods raise blood pressure? | Which foods lower blood pressure?
polarity | Is the pool heated? | Is the pool unheated?
polarity | Why does the car start? | Why does the car not start?
polarity | What are the benefits of fasting? | What are the risks of fasting?
scope | Is parking free for guests? | Is parking free for staff?
scope | How do I file taxes when married? | How do I file taxes when divorced?
scope | What does the student plan include? | What does the family plan include?
kinds | Are you open on Tuesday? | Are you open on Thursday?
kinds | Do you sell red umbrellas? | Do you sell blue umbrellas?
kinds | Can I pay by cheque? | Can I pay by card?
kinds | Do you take dollars? | Do you take euros?
time | Does the bus run before 6 am? | Does the bus run after 6 am?
time | Is lunch served at noon? | Is lunch served at midnight?
time | What are the monthly fees? | What are the yearly fees?
languages | Puis-je entrer avec un chien ? | Puis-je entrer sans un chien ?
languages | Quanto costa l'andata? | Quanto costa il ritorno?
languages | Hur öppnar jag kontot? | Hur stänger jag kontot?
languages | Jak otworzyć konto? | Jak zamknąć konto?
languages | 运费是多少 | 税费是多少
languages | Как открыть счёт? | Как закрыть счёт?
languages | كيف أفتح حسابا؟ | كيف أغلق حسابا؟
languages | Πώς ανοίγω λογαριασμό; | Πώς κλείνω λογαριασμό;
languages | Onde posso embarcar? | Onde posso desembarcar?
emoji | What does 👍 mean? | What does 👎 mean?
currency | Is $50 enough for a deposit? | Is €50 enough for a deposit?
"""
REWORDINGS = """
How do I reset the router? | How can I reset the router?
What are the opening hours of the library? | What are the library's opening hours?
How do I cancel a booking? | How can I cancel my booking?
Is there a fee for returns? | Do you charge a fee for returns?
Which payment methods do you accept? | What payment methods are accepted?
Where can I park the car? | Where is it possible to park a car?
How long does shipping take? | How long will the shipping take?
Can I bring my dog? | Am I allowed to bring my dog?
What does the warranty cover? | What is covered by the warranty?
How do I change my email address? | I want to change my e-mail address
Do you offer gift cards? | Are gift cards available?
What is the boiling point of water? | At what temperature does water boil?
Who painted the Mona Lisa? | Who was the painter of the Mona Lisa?
How do I export the data to CSV? | I don't know how to export the data to CSV
What is the difference between TCP and UDP? | How do TCP and UDP differ?
Does the hotel have a pool? | Is there a pool in the hotel?
How many calories are in an egg? | What is the number of calories in an egg?
How do I delete a file in Linux? | What is the way to delete a file in Linux?
How can I learn to swim? | What is the best way to learn swimming?
What is machine learning? | What is meant by machine learning?
How do I install Docker on Ubuntu? | How to install Docker on Ubuntu?
Is the tap water safe to drink? | Can you drink the tap water?
What causes hiccups? | Why do we get hiccups?
Where do I download the invoice? | Please tell me where I can download the invoice
How do I connect the printer to wifi? | How can the printer be connected to wi-fi?
"""
ROWS = [line.split(" | ") for line in TRAPS.strip().splitlines()]
ALIKE = [line.split(" | ") for line in REWORDINGS.strip().splitlines()]
MINILM = MiniLM()


@cache
def cosine(kept: str, asked: str) -> float | None:
    """The cosine at which the answer to the kept question is served; None if a gate objects. It knows no threshold."""
    one, other = rows(*sorted((kept, asked)))
    near = float(one @ other)
    decide = decider({"faq": QueryPolicy("faq", TUNED)}, MINILM.spells)
    return near if decide(asked, other, [Candidate("0", kept, "x", near)], "faq").serve else None


@cache
def rows(one: str, other: str) -> Vectors:
    """The vectors of a pair, once for both ways round."""
    return MINILM.embed([one, other])


def is_served(kept: str, asked: str, threshold: float) -> bool:
    """Whether the answer to the kept question is served, by the exact key or by meaning."""
    return normalised(kept) == normalised(asked) or (cosine(kept, asked) or 0.0) >= threshold


@pytest.mark.parametrize("threshold", [DEFAULT, TUNED])
def test_at_most_one_trap_in_seventy_is_served(threshold: float) -> None:
    """In both directions, at the default and at a tuned threshold."""
    assert len(ROWS) >= 70
    found = [
        (kept, asked)
        for _, one, other in ROWS
        for kept, asked in ((one, other), (other, one))
        if is_served(kept, asked, threshold)
    ]
    assert len(found) <= 2 * len(ROWS) // 70, found


@pytest.mark.parametrize(("threshold", "least"), [(DEFAULT, 0.40), (TUNED, 0.55)])
def test_rewordings_are_served(threshold: float, least: float) -> None:
    """At least 40 % at the default, 55 % at a tuned threshold."""
    found = [is_served(kept, asked, threshold) for kept, asked in ALIKE]
    assert sum(found) >= least * len(found)

"""The gates on the form of a question, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Must I declare the parcel?", "May I declare the parcel?", "modality"),
        ("Should I take the stairs?", "Can I take the stairs?", "modality"),
        ("Do I have to paint the fence?", "Do I want to paint the fence?", "modality"),
        ("Are visitors required to sign?", "Are visitors allowed to sign?", "modality"),
        ("Was the ferry free?", "Is the ferry free?", "tense"),
        ("How many leave days have I taken?", "How many leave days do I take?", "tense"),
        ("Who won the cup?", "Who will win the cup?", "says"),
        ("When did the shop open?", "When will the shop open?", "tense"),
        ("What is the best day you ever had?", "What was the best day you ever had?", ""),
        ("How long did the fair last?", "How long ago did the fair last?", "asks"),
        ("How are the tools oiled?", "How often are the tools oiled?", "asks"),
        ("How do I keep hens here?", "Am I allowed to keep hens here?", "modality"),
        ("Can I keep hens here?", "Am I allowed to keep hens here?", ""),
        ("Should I oil the chain?", "Should I have oiled the chain?", "tense"),
        ("How long does it take?", "How much does it take?", "asks"),
        ("How many holiday weeks do I get?", "How long is the holiday that I get?", ""),
        ("What is my name?", "What is your name?", "whose"),
        ("How do I clean my desk?", "How do you clean your desk?", ""),
        ("How can people train their memory?", "How can I train my memory?", ""),
        ("Must I tell my landlord?", "Must my landlord tell me?", "actor"),
        ("Can the shop keep my coat?", "Can I keep my coat at the shop?", "actor"),
        ("How often should I oil my bike?", "How often must my bike be oiled?", ""),
        ("How often should I feed a fish?", "How often does a fish need feeding?", ""),
        ("Are all pools closed?", "Are any pools closed?", "quantity"),
        ("Can members swim here?", "Can only members swim here?", "quantity"),
        ("How do I dry all the sheets?", "How do I dry both the sheets?", "quantity"),
        ("How do I wash every towel?", "How do I wash one towel?", "quantity"),
        ("How do I list the stops of all lines?", "How do I list the stops of one line?", "quantity"),
        ("What are all the pools?", "What are some of the pools?", ""),
        ("How long does it take to swim a mile?", "How much time does it take to swim a mile?", ""),
        ("Can you help me reset it?", "I must reset it", ""),
    ],
)
def test_forms_of_questions(left: str, right: str, objects: str) -> None:
    """A duty is no leave, the past not the present, and mine not yours; a desk of one's own is one's own for all."""
    assert rule(left, right) == objects
    assert rule(right, left) == objects


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Can I replace butter with oil?", "Can I replace oil with butter?", "roles"),
        ("Can I trade store credit for money?", "Can I trade money for store credit?", "roles"),
        ("Is every poem a song?", "Is every song a poem?", "roles"),
        ("Is the fox chased by a dog?", "The dog is chased by a fox?", "roles"),
        ("Who pays if a boy hits a girl?", "Who pays if a girl bites a boy?", "roles"),
        ("How do I wash a paint brush?", "How do I paint a wash brush?", "roles"),
        ("How do I make a pond?", "How do I drain a pond?", "roles"),
        ("How do I leave it without knocking?", "How do I knock at it without leaving?", "roles"),
        ("Where is the lawnmower?", "Where is the lawn mower?", ""),
        ("Are berries fruit?", "Are fruits berries?", "roles"),
        ("Is a do loop faster than a for loop?", "Is a for loop faster than a do loop?", "roles"),
        ("Is there too much salt in it?", "Is there too little salt in it?", "antonyms"),
        ("How do I turn this shelf over?", "How do I turn this shelf back?", "particle"),
        ("How do I fill in the form?", "How do I fill out the form?", "particle"),
        ("How do I call you back?", "How do I call you up again?", ""),
        ("Is tea or coffee stronger?", "Is coffee or tea stronger?", ""),
        ("On parcels, is there a fee?", "Is there a fee on parcels?", ""),
        ("Does salt raise blood sugar?", "Do blood sugars raise salt?", "roles"),
        ("Does the tenant pay the agent?", "Is the agent paid by the tenant?", ""),
        ("How do I roast a shoulder of lamb?", "How do I roast a rack of lamb?", "swap"),
        ("What is a good time for a half marathon?", "What is a good time for a marathon?", "numbers"),
        ("Can I crush the tablet?", "Can I crush the slow-release tablet?", "scope"),
        ("Is there a one-way ticket?", "Is there a one way ticket?", ""),
        ("How do I stop milk from boiling over?", "How do I keep milk from boiling over?", ""),
        ("Is the report for the plan?", "Is the report against the plan?", "antonyms"),
        ("How do I make a claim against your firm?", "How do I make a claim?", ""),
        ("Where do I enter the code?", "Entering the code: where?", ""),
        ("best & worst seats", "best and worst seats", ""),
        ("How do I use & in bash?", "How do I use && in bash?", "symbols"),
        ("Is it cheaper in the U.S.?", "Is it cheaper in the US?", ""),
        ("Where is the parent(s) form?", "Where is the parent form?", ""),
        ("Would one billion dollars do?", "Would 1 billion dollars do?", ""),
        ("What colour is the tyre?", "What color is the tire?", ""),
        ("Is the cheque organised by date?", "Is the check organized by date?", ""),
        ("Does a 4 kg melon fit?", "Does a melon of four kilos fit?", ""),
        ("Does a 4 kg melon fit?", "Does a melon of 4 pounds fit?", "amounts"),
        ("Is it open on 3 October?", "Is it open on Oct 3rd?", ""),
        ("Is it the 3rd shop?", "Is it the 3 shop?", "amounts"),
        ("What does the IMF do?", "What does the International Monetary Fund do?", ""),
        ("What does the IMF do?", "What does the International Money Market do?", "scope"),
        ("Sorry if this is a dumb question, but is the bridge open?", "Is the bridge open?", ""),
        ("I would be grateful if you could explain how the lock opens", "How does the lock open?", ""),
    ],
)
def test_words_that_a_light_stemmer_or_a_plain_count_would_mistake(left: str, right: str, objects: str) -> None:
    """Butter is no "but", and a shoulder no "should"; initials, hyphens and "and" are written in several ways."""
    assert rule(left, right) == objects
    assert rule(right, left) == objects

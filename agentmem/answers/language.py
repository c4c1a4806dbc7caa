"""The words of one language that tell what a question asks for: a person's records, this moment, or an act.

A field is a regular expression; the rules that are made of them stand in `exclusions`. Words of European languages
stand between boundaries. Chinese, Japanese and Korean have no spaces where they matter, so there a field is looked for
anywhere.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language.

    ``mine`` says that something is the speaker's. ``records`` are things about which only a person's records tell.
    ``asked`` are whole phrases that ask for such records. ``how`` is the form of a question about how something is
    done, which has one answer for everybody. ``now`` is a time that passes, ``live`` a phrase about what changes by the
    hour. ``acts`` are imperatives, as they begin a sentence; ``polite`` may come before. ``opens`` is how a question
    about records begins, if that is known; ``unhurried``, in place of ``how``, the forms beside which a time says
    little.
    """

    code: str
    mine: str
    records: str
    asked: str
    how: str
    now: str
    live: str
    acts: str
    polite: str
    opens: str = ""
    spaced: bool = True
    unhurried: str = ""

    @property
    def timeless(self) -> str:
        """The forms in which a word such as today makes no question about this moment."""
        return self.unhurried or self.how

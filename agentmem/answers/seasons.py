"""Words that make a question about the weather one about the climate, which has the same answer every year.

"What is the weather like in Spain in July?" may be kept; "in July 2026", "this July" and "on 5 July" may not.
"""

_LATIN = {
    "en": (
        r"weather|temperatures?|hot|cold|warm|humid|windy|sunny|rain\w*|snow\w*|forecast|crowded|busy|traffic",
        r"(?:in|during) (?:early |mid |late |the )*(?:january|february|march|april|may|june|july|august|september|"
        r"october|november|december|spring|summer|autumn|fall|winter|(?:rainy |dry |wet )season)|usually|normally|"
        r"typically|"
        r"on average",
    ),
    "de": (
        r"wetter|temperatur\w*|heiß|kalt|warm|regn\w*|schnei\w*|voll|verkehr",
        r"(?:im|während des) (?:januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|"
        r"frühling|frühjahr|sommer|herbst|winter)|normalerweise|gewöhnlich|üblicherweise|durchschnittlich",
    ),
    "fr": (
        r"météo|temps|températures?|chaud|froid|pleu\w*|neige\w*",
        r"en (?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|été|automne|"
        r"hiver)|"
        r"au printemps|d'habitude|normalement|en moyenne",
    ),
    "es": (
        r"tiempo|clima|temperaturas?|calor|frío|llueve|llover|nieva",
        r"en (?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|primavera|"
        r"verano|otoño|invierno)|normalmente|habitualmente|suele",
    ),
    "it": (
        r"tempo|clima|temperatur\w*|caldo|freddo|piove|nevica",
        r"(?:in|a|ad) (?:gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre|"
        r"primavera|estate|autunno|inverno)|di solito|normalmente",
    ),
    "pt": (
        r"tempo|clima|temperaturas?|calor|frio|chove|neva",
        r"em (?:janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)|"
        r"n[ao] (?:primavera|verão|outono|inverno)|normalmente|geralmente",
    ),
    "ru": (
        r"погода|температура|жарко|холодно|тепло|дожд\w*|снег\w*",
        r"в (?:январе|феврале|марте|апреле|мае|июне|июле|августе|сентябре|октябре|ноябре|декабре)|летом|зимой|весной|"
        r"осенью|обычно",
    ),
}
_DATED = r"(?! (?:\d|this|next|last|dieses|nächsten|de (?:este|\d)|de \d|этого|следующего))(?!\w)"
"""A month with a year is one that passes."""
_EAST_ASIAN = {
    "zh": (
        r"天气|气温|温度|热|冷|下雨|下雪",
        r"(?:[一二三四五六七八九十]{1,2}|(?<!\d)\d{1,2})月(?:份)?(?!\d|[一二三四五六七八九十])|[春夏秋冬][天季]|通常|一般",
    ),
    "ja": (r"天気|天候|気温|暑|寒|雨|雪", r"(?<!\d)\d{1,2}月(?!\d)|[春夏秋冬](?:は|に|の)|普段|通常|例年"),
    "ko": (r"날씨|기온|온도|덥|춥|비|눈", r"(?<!\d)\d{1,2}월(?!\s?\d)|봄|여름|가을|겨울|보통|평소"),
}
_PASSING = r"今年|明年|来年|本月|这个月|今月|올해|내년|이번"
"""This year's month, in the languages that say so before it."""


def climate(code: str) -> str:
    """The pattern of a question about the climate in a language, as a look-ahead. It never matches if there is none.

    Both must be there: a word about the weather, and a month or season without a year.
    """
    if code in _LATIN:
        weather, seasons = _LATIN[code]
        return rf"(?=.*\b(?:{weather})(?!\w))(?=.*\b(?:{seasons}){_DATED})"
    if code in _EAST_ASIAN:
        weather, seasons = _EAST_ASIAN[code]
        return rf"(?!.*(?:{_PASSING}))(?=.*(?:{weather}))(?=.*(?:{seasons}))"
    return r"(?!)"

"""Removes secrets from text before it is written or shown: ledger rows, log lines, error messages.

A pattern can miss a secret of an unknown shape. So free text is also kept short, and values that are known to be
secret are never put into a text at all.
"""

import re
from collections.abc import Callable
from functools import partial

REDACTED = "[redacted]"

# Each row: texts of which one is in every secret of the row's shape, and the shape. A shape is only searched for where
# one of its texts is, which is much faster. The group "keep" stays, the rest is removed. The shapes are those that the
# services document.
_PATTERNS: tuple[tuple[tuple[str, ...], str], ...] = (
    # PEM, also when cut short
    (("-----begin ",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    # user:password@ in a URL; a password may hold an @
    (("://",), r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/@]*:[^\s/]*(?=@)"),
    (("bearer", "basic"), r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"),  # Authorization headers
    (("sk-", "pk-", "rk-", "sk_", "pk_", "rk_"), r"\b(?:sk|pk|rk)[-_][\w-]{8,}"),  # Anthropic, OpenAI, Stripe
    (("akia", "asia", "aroa", "aida"), r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b"),  # AWS access key ids
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
        r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})",
    ),  # GitHub, GitLab
    (("xox",), r"\bxox[a-z]-[\w-]{10,}"),  # Slack
    (("aiza",), r"\bAIza[\w-]{30,}"),  # Google
    # Hugging Face, Groq, xAI, Perplexity, LangSmith
    (("hf", "gsk", "xai", "pplx", "lsv2"), r"\b(?:hf|gsk|xai|pplx|lsv2)[-_]\w{16,}"),
    (("eyj",), r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),  # JSON web tokens
    (
        ("key", "secret", "token", "passw", "authorization"),
        r"(?P<keep>(?:api[_-]?key|secret[_-]?access[_-]?key|session[_-]?token|access[_-]?token|auth[_-]?token|"
        r"client[_-]?secret|secret|token|passwd|password|authorization)\b[\"']?\s*[:=]\s*[\"']?)"
        r"(?!\[redacted\]|bearer\b|basic\b)[^\s\"',;&)}]{6,}",  # name = value, as in headers, JSON, queries, env files
    ),
)
_SECRETS = tuple((texts, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for texts, pattern in _PATTERNS)


def scrub(text: str, mark: Callable[[str], str] = lambda _secret: REDACTED) -> str:
    """``text`` with everything that looks like a secret replaced by ``[redacted]``. Scrubbing twice changes nothing.

    ``mark`` may give another replacement for a secret. It must begin with ``[redacted]``, so that it stays.
    """
    folded = text.casefold()  # folded, because the shapes take other forms of their letters, such as a long s
    for texts, secret in _SECRETS:
        if any(map(folded.__contains__, texts)):
            text = secret.sub(partial(_redact, mark), text)
    return text


def _redact(mark: Callable[[str], str], match: re.Match[str]) -> str:
    keep: str = match.groupdict().get("keep") or ""
    return keep + mark(match.group()[len(keep) :])

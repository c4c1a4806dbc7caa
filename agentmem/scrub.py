"""Removes secrets from text before it is written or shown: ledger rows, log lines, error messages.

A pattern can miss a secret of an unknown shape. So free text is also kept short, and values that are known to be
secret are never put into a text at all.
"""

import re
from collections.abc import Callable
from functools import partial

REDACTED = "[redacted]"

# The group "keep" of a pattern stays, the rest is removed. The shapes are those that the services document.
_PATTERNS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",  # PEM, also when cut short
    r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/@]*:[^\s/]*(?=@)",  # user:password@ in a URL; a password may hold an @
    r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}",  # Authorization headers
    r"\b(?:sk|pk|rk)[-_][\w-]{8,}",  # Anthropic, OpenAI, OpenRouter, Stripe
    r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",  # AWS access key ids
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})",  # GitHub, GitLab
    r"\bxox[a-z]-[\w-]{10,}",  # Slack
    r"\bAIza[\w-]{30,}",  # Google
    r"\b(?:hf|gsk|xai|pplx|lsv2)[-_]\w{16,}",  # Hugging Face, Groq, xAI, Perplexity, LangSmith
    r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",  # JSON web tokens
    r"(?P<keep>(?:api[_-]?key|secret[_-]?access[_-]?key|session[_-]?token|access[_-]?token|auth[_-]?token|"
    r"client[_-]?secret|secret|token|passwd|password|authorization)\b[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\[redacted\]|bearer\b|basic\b)[^\s\"',;&)}]{6,}",  # name = value, as in headers, JSON, queries, env files
)
_SECRETS = tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in _PATTERNS)


def scrub(text: str, mark: Callable[[str], str] = lambda _secret: REDACTED) -> str:
    """``text`` with everything that looks like a secret replaced by ``[redacted]``. Scrubbing twice changes nothing.

    ``mark`` may give another replacement for a secret. It must begin with ``[redacted]``, so that it stays.
    """
    for secret in _SECRETS:
        text = secret.sub(partial(_redact, mark), text)
    return text


def _redact(mark: Callable[[str], str], match: re.Match[str]) -> str:
    keep: str = match.groupdict().get("keep") or ""
    return keep + mark(match.group()[len(keep) :])

"""The semantic answer cache: the same question is not paid for twice, and a wrong answer is not served."""

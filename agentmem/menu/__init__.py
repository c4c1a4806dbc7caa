"""Tools: their cards, how a function becomes one, what comes with agentmem, and the threads they run in."""

"""Tools: their cards, the way from a function to a tool, the built-in tools, and the threads that run them."""

"""Memory: what left the window, and what is remembered across threads."""

"""The router: which model a request goes to, and why. It knows what a warm cache is worth."""

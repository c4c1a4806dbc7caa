"""The list of all sessions in people's logs, from an index that is made once and grows with them."""

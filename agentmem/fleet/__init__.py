"""Many runs of agents: on Ray or in threads, from one database, with limits that all share."""

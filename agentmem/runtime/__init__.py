"""The runtime: a LangGraph loop over the transcript, its menu of tools, and the Agent that people hold."""

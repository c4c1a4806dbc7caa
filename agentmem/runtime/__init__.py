"""The runtime: a LangGraph loop over the transcript, with its tools, and the Agent."""

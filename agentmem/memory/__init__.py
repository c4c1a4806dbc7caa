"""Long-term memory: a LangGraph store on LanceDB, and facts as pages that people can edit."""

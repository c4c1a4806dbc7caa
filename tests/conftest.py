"""What all tests share."""

from hypothesis import settings

settings.register_profile("agentmem", deadline=None)  # no test asserts on time: both cores may be busy
settings.load_profile("agentmem")

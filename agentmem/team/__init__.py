"""A coder and a tester: two agents with two contexts, and one verdict on evidence.

Names are imported on first use.
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.team.budget import Budget as Budget
    from agentmem.team.progress import TeamDone as TeamDone
    from agentmem.team.progress import TeamProgress as TeamProgress
    from agentmem.team.proof.verdict import Proof as Proof
    from agentmem.team.proof.verdict import ProofOfTest as ProofOfTest
    from agentmem.team.report import Report as Report
    from agentmem.team.result import Refusal as Refusal
    from agentmem.team.result import Round as Round
    from agentmem.team.result import TeamResult as TeamResult
    from agentmem.team.roles import Role as Role
    from agentmem.team.team import Team as Team

_HOMES = {
    "Budget": "budget",
    "TeamProgress": "progress",
    "Proof": "proof.verdict",
    "ProofOfTest": "proof.verdict",
    "Refusal": "result",
    "Report": "report",
    "Role": "roles",
    "Round": "result",
    "Team": "team",
    "TeamDone": "progress",
    "TeamResult": "result",
}

__all__ = list(_HOMES)


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})

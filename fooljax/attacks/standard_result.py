"""What the cascade of attacks found: stage by stage, and the worst case of each image."""

from typing import NamedTuple

from fooljax.attacks.findings import Finding
from fooljax.attacks.result import AttackResult


class Stage(NamedTuple):
    """One attack of the cascade, on the images that had resisted until then.

    Attributes:
        name: of the attack; the first is ``clean``, no attack at all.
        attacked: how many images it was given.
        surviving: how many of them resisted, so how many are left.
        forwards: passes forward that it took, for all images together.
        gradients: passes backward.
    """

    name: str
    attacked: int
    surviving: int
    forwards: int
    gradients: int


class StandardResult(NamedTuple):
    """What the cascade found.

    Attributes:
        result: the worst case of each image; the counts are those of all stages.
        stages: in the order of attack.
        accuracy: share of the images that were right before any attack, in [0, 1].
        robust_accuracy: share that resisted every attack.
        findings: what makes the numbers doubtful, if anything.
        version: which attacks they were, and in which numbers other than published.
    """

    result: AttackResult
    stages: tuple[Stage, ...]
    accuracy: float
    robust_accuracy: float
    findings: tuple[Finding, ...]
    version: str = "fooljax"

    def __repr__(self) -> str:
        """Say in a few lines what came out; the arrays are fields of ``result``."""
        left = ", ".join(f"{stage.name} {stage.surviving}" for stage in self.stages)
        attacked = self.stages[0].attacked if self.stages else 0
        lines = [
            f"StandardResult of version {self.version}: accuracy {self.accuracy:.4g}, "
            f"robust accuracy {self.robust_accuracy:.4g}",
            f"  of {attacked} images resist: {left}",
        ]
        lines += [f"  finding: {one.name} ({one.share:.0%} of the images)" for one in self.findings]
        return "\n".join(lines)

"""One file per claim; run any of them as ``python -m experiments.NAME``."""

import sys

from fooljax import interrupts
from fooljax.runtime import output

if getattr(sys, "argv", [])[:1] == ["-m"]:  # so it is while Python looks for NAME
    output.mend()
    interrupts.listen()

"""The command line of ``experiments.parts``."""

from fooljax import study

from . import PRESETS, __doc__, main

study.launch(main, PRESETS, __doc__)

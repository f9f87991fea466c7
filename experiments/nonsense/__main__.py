"""The command line of ``experiments.nonsense``."""

from fooljax import study

from . import PRESETS, __doc__, main

study.launch(main, PRESETS, __doc__)

"""A file or a folder for each question; run any of them as ``python -m experiments.NAME``."""

import signal
import sys

if getattr(sys, "argv", [])[:1] == ["-m"]:  # so it is while Python looks for NAME
    _held = {signal.SIGINT, signal.SIGTERM} if hasattr(signal, "pthread_sigmask") else set()
    if _held:  # what comes now waits until somebody listens
        signal.pthread_sigmask(signal.SIG_BLOCK, _held)

    from fooljax import interrupts
    from fooljax.runtime import output

    output.mend()
    interrupts.listen()
    if _held:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _held)

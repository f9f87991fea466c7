"""Flags of XLA for a suite that compiles thousands of programs and runs most of them once."""

import mmap
from pathlib import Path

import jaxlib


def quick_to_compile() -> str:
    """What ``XLA_FLAGS`` should say: without fusion emitters, a CPU's programs take half the time.

    No optimization saves another fifth, though the few tests that loop take longer; code
    that is not split among threads a seventh, for both cores are busy anyway.
    XLA ends the process at a flag that it does not know, so a jaxlib gets what it has.
    """
    flags = ["--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true"]
    wanted = {"xla_cpu_use_fusion_emitters": "false", "xla_cpu_parallel_codegen_split_count": "1"}
    for library in Path(jaxlib.__file__).parent.glob("*.so"):
        with library.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            known = [flag for flag in wanted if content.find(flag.encode()) >= 0]
            flags += [f"--{flag}={wanted.pop(flag)}" for flag in known]
    return " ".join(flags)

#!/usr/bin/env bash
# SLURM: from a clone on storage that all nodes share, with fooljax installed in .venv.
#
#     sbatch --nodes 2 launch/slurm.sh
#
# A job that is preempted, loses a node or reaches its time limit is queued again and goes on; so
# it does when it is submitted again, with any number of nodes.
#SBATCH --job-name=fooljax
#SBATCH --nodes=1
#SBATCH --gpus-per-node=8
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@180
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=fooljax-%j.log
# A task for each GPU. No --gpus-per-task or --gpu-bind: a task must see all GPUs of its node, of
# which JAX takes the one with the number of the task.
set -uo pipefail

export PATH="$PWD/.venv/bin:$PATH"
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" bash launch/run.sh "${RUN:-runs/evolve}" \
    python -m experiments.evolve --dataset none --model resnet50 --encoding cppn \
    --generations 5000 --children 2000 --repeats 1 --coordinator auto
code=$?
if [ "$code" -eq 143 ]; then # stopped by SIGTERM, and saved
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"

#!/bin/bash
#SBATCH --job-name=repaint-evaluate
#SBATCH --array=0-3
#SBATCH --cpus-per-task=2
#SBATCH --output=repaint-%A_%a.log
#SBATCH --requeue
# One evaluation over the tasks of a Slurm array:
#   sbatch slurm-array.sh PLAN.json /shared/OUT
# Every task takes the part that SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT say, and all write into one folder. A task that
# was preempted, killed or ran out of time may simply be submitted again: it goes on where it stopped. To submit only some tasks
# again, say how many there are: sbatch --array=2 --export=ALL,SHARDS=4 slurm-array.sh PLAN.json /shared/OUT
set -euo pipefail
plan=$1
out=$2
# As a command of its own, so that Slurm's signals reach Node itself.
exec ${REPAINT:-repaint} evaluate --plan "$plan" --out "$out" ${SHARDS:+--shards "$SHARDS"}

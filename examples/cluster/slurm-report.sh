#!/bin/bash
#SBATCH --job-name=repaint-report
#SBATCH --output=repaint-report-%j.log
# The report of everything, after the array:
#   id=$(sbatch --parsable slurm-array.sh PLAN.json /shared/OUT)
#   sbatch --dependency=afterany:$id slurm-report.sh /shared/OUT
set -euo pipefail
exec ${REPAINT:-repaint} evaluate --merge "$1" --out "$1"

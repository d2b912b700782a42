#!/bin/sh
# One leg of training on a GPU machine whose commands may take ten minutes: data where there are none, eight minutes of steps, and
# the average so far in f16, in parts of 15 MiB (put together with cat). Run it again until it says that the last step is done.
#
#   weights/train/gpu.sh portraits128 WORK OUT STEPS
#
# WORK stays on the machine between legs (data and state); OUT is what is brought back.
set -eu
preset=$1 work=$2 out=$3 steps=$4
here=$(cd "$(dirname "$0")" && pwd)
case $preset in *128) size=128 ;; *) size=64 ;; esac
mkdir -p "$work" "$out"
data=$work/portraits$size.npz
if [ ! -f "$data" ]; then
  # Drawing takes minutes of many cores: it is a leg of its own.
  timeout 580 python3 "$here/portraits.py" data "$data" --size "$size" --count 30000 --seed 1000 | tail -n 1
  echo "drew $data: run this again to train"
  exit 0
fi
timeout 560 python3 "$here/train.py" "$preset" "$work/$preset" --data "$data" --steps "$steps" --batch 128 --rate 6e-4 --ema 0.9995 --minutes 8
python3 "$here/export.py" "$work/$preset" "$work/$preset.safetensors"
split -b 15m "$work/$preset.safetensors" "$out/$preset.safetensors."
cp "$work/$preset.md" "$work/$preset.selftest.safetensors" "$work/$preset/log.jsonl" "$out/"
for grid in $(ls -t "$work/$preset"/samples-*.png 2>/dev/null | head -n 1); do cp "$grid" "$out/"; done

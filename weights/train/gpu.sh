#!/bin/sh
# One leg of training on a GPU machine whose commands may take ten minutes: data where there are none, eight minutes of steps, and
# the average so far in f16, in parts of 15 MiB (put together with cat). Run it again until it says that the last step is done.
#
#   weights/train/gpu.sh portraits128 WORK OUT STEPS
#
# PYTHON, COUNT, BATCH and MINUTES in the environment replace python3, 30000, 128 and 8.
# WORK stays on the machine between legs (data and state); OUT is what is brought back.
set -eu
preset=$1 work=$2 out=$3 steps=$4
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
case $preset in tiny*) size=16 ;; *128) size=128 ;; *) size=64 ;; esac
mkdir -p "$work" "$out"
data=$work/portraits$size.npz
if [ ! -f "$data" ]; then
  # Drawing takes minutes of many cores: it is a leg of its own.
  timeout 580 "$python" "$here/portraits.py" data "$data" --size "$size" --count "${COUNT:-30000}" --seed 1000 > "$work/portraits.log"
  echo "drew $data: run this again to train"
  exit 0
fi
timeout 560 "$python" "$here/train.py" "$preset" "$work/$preset" --data "$data" --steps "$steps" --batch "${BATCH:-128}" --rate 6e-4 --ema 0.9995 --minutes "${MINUTES:-8}"
"$python" "$here/export.py" "$work/$preset" "$work/$preset.safetensors"
split -b 15m "$work/$preset.safetensors" "$out/$preset.safetensors."
cp "$work/$preset.md" "$work/$preset.selftest.safetensors" "$out/"
# There may be no report yet, and a classifier has no grids.
for file in "$work/$preset/log.jsonl" $(ls -t "$work/$preset"/samples-*.png 2>/dev/null | head -n 1); do
  [ ! -f "$file" ] || cp "$file" "$out/"
done

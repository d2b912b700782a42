#!/usr/bin/env python3
"""PyTorch eager beside `repaint bench --weights` on the same GPU: one forward of guided-diffusion's 256² network, batch 1, in fp32
(TF32 off and on) and fp16, in both memory orders, cuDNN choosing by rule and by measuring.

    repaint synth imagenet256-uncond adm256.safetensors --input input.safetensors
    python3 bench/peers/adm_pytorch.py adm256.safetensors input.safetensors result.json [GOLDEN.safetensors]

Each way is compared with fp32's output (and that with the golden `out`) before it is timed. Times are medians of CUDA events."""

import json
import sys
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "weights" / "train"))
from model import UNet  # noqa: E402

ADM_256 = {
    "in_channels": 3, "out_channels": 6, "model_channels": 256, "channel_mult": [1, 1, 2, 2, 4, 4], "num_res_blocks": 2,
    "attention_resolutions": [8, 16, 32], "num_head_channels": 64, "num_classes": None,
}  # fmt: skip


def timed(run, warm=3, samples=9):
    for _ in range(warm):
        run()
    times = []
    for _ in range(samples):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return median(times)


def error(out, reference):
    return ((out - reference).norm() / reference.norm()).item()


@torch.inference_mode()
def main(weights, given, result, golden=None):
    state, inputs = load_file(weights), load_file(given)
    with torch.device("meta"):
        net = UNet(ADM_256)
    net.load_state_dict({name: value.float() for name, value in state.items()}, assign=True)
    x, t = inputs["x"].float().cuda(), inputs["t"].cuda()
    rows, reference = [], None
    for dtype in (torch.float32, torch.float16):
        # As guided-diffusion's convert_to_fp16: the norms stay in fp32 arithmetic (GroupNorm32).
        net = net.to("cuda", dtype)
        for order in ("NCHW", "NHWC"):
            layout = torch.channels_last if order == "NHWC" else torch.contiguous_format
            net = net.to(memory_format=layout)
            image = x.to(dtype).to(memory_format=layout)
            for tf32 in (False, True) if dtype == torch.float32 else (False,):
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
                for measured in (False, True):
                    torch.backends.cudnn.benchmark = measured
                    out = net(image, t)
                    if reference is None:
                        reference = out
                        if golden:
                            print("fp32 against golden", error(out.cpu(), load_file(golden)["out"]))
                    name = {torch.float32: "tf32" if tf32 else "fp32", torch.float16: "fp16"}[dtype]
                    row = {"way": name, "order": order, "cudnnBenchmark": measured, "error": error(out, reference)}
                    row["milliseconds"] = timed(lambda: net(image, t))
                    rows.append(row)
                    print(row, flush=True)
    about = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
    Path(result).write_text(json.dumps({**about, "network": "imagenet256-uncond", "batch": 1, "rows": rows}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])

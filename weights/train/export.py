"""Writes a trained network as the safetensors file that repaint-webgpu loads: the average's weights in f16 with flags, diffusion,
class names and a card's facts in the metadata; and beside it PyTorch's answer to one input, for `repaint doctor` and tests.

    python3 export.py RUN portraits64.safetensors                       also portraits64.selftest.safetensors and portraits64.md
    python3 export.py --random tiny OUT.safetensors --dtype f32         every weight random: to compare engines without training
    python3 export.py --answer portraits64.safetensors                  only portraits64.selftest.safetensors, of that file's weights

The shipped files are int8: `repaint convert portraits64.safetensors i8.safetensors --dtype i8` of what this writes, then --answer.
"""

import argparse
import hashlib
import json
import os

import torch
from torch.nn import functional as F

import files
import heldout
import model
import train

DIFFUSION = {"diffusion_steps": 1000, "noise_schedule": "linear"}


def stored(tensor):
    return tensor.half() if tensor.is_floating_point() else tensor


def metadata_of(network, preset, facts):
    flags = {key: list(value) if isinstance(value, (list, tuple)) else value for key, value in network.flags.items()}
    common = {"format": "pt", "name": preset, "training": facts, "licence": "MIT"}
    classes = model.classes_of(preset)
    if isinstance(network, model.Classifier):
        return {**common, "guided_diffusion_classifier": flags, "class_names": classes}
    names = {"class_names": [*classes, "any"], "unconditional_class": len(classes)}
    return {**common, "guided_diffusion_unet": flags, "diffusion": {**DIFFUSION, "learn_sigma": True}, **names}


def golden(network, batch=2):
    """An input of f16 numbers and the network's answer in float32; of a classifier logits and the gradient of Σ log softmax(logits)[y]."""
    rng = torch.Generator().manual_seed(5)
    size = network.flags["image_size"]
    x = torch.randn(batch, 3, size, size, generator=rng).half().float()
    t, y = torch.tensor([37.0, 800.0])[:batch], torch.tensor([3, 6])[:batch]
    if isinstance(network, model.Classifier):
        x.requires_grad_(True)
        logits = network(x, t)
        chosen = F.log_softmax(logits, dim=1)[torch.arange(batch), y].sum()
        (grad,) = torch.autograd.grad(chosen, x)
        return {"x": x.half(), "t": t, "y": y, "logits": logits, "grad": grad}
    with torch.no_grad():
        return {"x": x.half(), "t": t, "y": y, "out": network(x, t, y)}


def randomize(network, seed=11):
    """No block is zero and no norm trivial, so that a comparison sees every layer."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            noise = torch.randn(parameter.shape, generator=rng)
            spread = 0.2 if parameter.ndim == 1 else (parameter.numel() / len(parameter)) ** -0.5
            parameter.copy_(noise * spread + (1 if parameter.ndim == 1 and name.endswith("weight") else 0))


def card(path, preset, network, facts, log, dtype):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    parameters, classes = sum(parameter.numel() for parameter in network.parameters()), model.classes_of(preset)
    program = "scenes" if preset.startswith("scenes") else "portraits"
    lines = [
        f"# {preset}",
        f"{parameters:,} parameters in {dtype.upper()}, {os.path.getsize(path):,} bytes, sha256 `{digest}`.",
        f"Data: procedural {program} of weights/train/{program}.py in {len(classes)} classes ({', '.join(classes)}); nobody's likeness, no third-party pictures or weights. Licence: MIT.",
        f"Training: {json.dumps(facts)}.",
    ]
    if log:
        title = "Share of held-out pictures whose class is right" if isinstance(network, model.Classifier) else "Held-out ε-error"
        rows = [f"| {name} | {value} |" for name, value in log[-1]["held_out"].items()]
        lines += [f"{title} by timesteps after {log[-1]['step']} steps:", "\n".join(["| timesteps | |", "| --- | --- |", *rows])]
    return "\n\n".join(lines) + "\n"


def answer(out, network, preset):
    stem = out.removesuffix(".safetensors")
    files.save_tensors(f"{stem}.selftest.safetensors", golden(network), {"format": "pt", "model": preset})
    return stem


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="folder of train.py")
    parser.add_argument("out", help="safetensors to write")
    parser.add_argument("--random", metavar="PRESET", choices=sorted(model.PRESETS), help="instead of a run")
    parser.add_argument("--answer", action="store_true", help="of a file that is there")
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16")
    given = parser.parse_args()
    if [given.run is not None, given.random is not None, given.answer].count(True) != 1:
        parser.error("give a run, --random PRESET, or --answer")
    if given.answer:
        _, metadata = files.load_tensors(given.out)
        answer(given.out, heldout.load(given.out), metadata["name"])
        return
    log = []
    if given.random:
        preset, facts = given.random, {"random": True}
        network = model.build(preset)
        randomize(network)
    else:
        tensors, state = files.load_tensors(train.state_path(given.run))
        settings = json.loads(state["settings"])
        preset, facts = settings["preset"], {**settings, "done": int(state["done"]), "minutes": round(float(state["seconds"]) / 60, 1)}
        network = model.build(preset)
        network.load_state_dict(train.part(tensors, "average"))
        if os.path.exists(os.path.join(given.run, "log.jsonl")):
            with open(os.path.join(given.run, "log.jsonl")) as file:
                log = [json.loads(line) for line in file]
    tensors = {name: stored(tensor) if given.dtype == "f16" else tensor for name, tensor in network.state_dict().items()}
    files.save_tensors(given.out, tensors, metadata_of(network, preset, facts))
    # The answer of the weights as they were rounded.
    network.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()})
    stem = answer(given.out, network.eval(), preset)
    with open(f"{stem}.md", "w") as file:
        file.write(card(given.out, preset, network, facts, log, given.dtype))
    print(f"wrote {given.out}, {stem}.selftest.safetensors and {stem}.md")


if __name__ == "__main__":
    main()

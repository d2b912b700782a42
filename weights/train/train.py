"""Trains a network of model.PRESETS on the pictures of portraits.py or scenes.py: seeded, resumable to the same weights, with an
exponential average, sample grids and the held-out loss. Ctrl-C, SIGTERM and --minutes save and stop; the same command goes on.

    python3 train.py portraits64 RUN --data portraits64.npz --steps 12000
    python3 train.py scenes64 RUN4 --data scenes64.npz --steps 20000
    python3 train.py classifier64 RUN2 --data portraits64.npz --steps 4000
    python3 train.py portraits64 RUN3 --data portraits64.npz --steps 4000 --start portraits64.safetensors    learns on

RUN gets state.safetensors, log.jsonl (a line a report) and samples-STEP.png. Learning: AdamW or Muon, warm-up, linear decay at the end,
min-SNR weights, labels dropped in a tenth of the pictures, gradient norm clipped to 1.
"""

import argparse
import json
import os
import signal
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torch.nn.utils.stateless import functional_call

import diffusion
import files
import model
import muon

HELD_OUT = 256
BASE = {"batch": 16, "rate": 4e-4, "ema": 0.999}
WEIGHT_DECAY = 0.01
# Settings that a run has only where they are not these, so that older runs go on.
USUAL = {"eyes": 1.0, "fine": 0.0, "fine_steps": [50, 450], "gamma": 5.0, "decay": 0.4, "optimizer": "adamw"}


class Data:
    """Pictures and labels of one file or several on the device, the last HELD_OUT of them never trained on."""

    def __init__(self, paths, size, device):
        parts = [self.stored(path, size) for path in paths]
        pictures, labels = (np.concatenate(part) for part in zip(*parts))
        if len(parts[-1][1]) < 2 * HELD_OUT:
            raise SystemExit(f"{paths[-1]}: expected at least {2 * HELD_OUT} pictures, got {len(parts[-1][1])}")
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().to(device)
        self.labels = torch.from_numpy(labels).long().to(device)
        self.device = device

    @staticmethod
    def stored(path, size):
        with np.load(path) as stored:
            pictures, labels = stored["pictures"], stored["labels"]
        if pictures.ndim != 4 or pictures.shape[1:] != (size, size, 3):
            raise SystemExit(f"{path}: expected pictures of {size}x{size}, got {list(pictures.shape)}: make them with --size {size}")
        return pictures, labels

    def places(self, path, eyes):
        """Weights [1, 1, S, S]: `eyes` where irises mostly are in these portraits, 1 where none is. Irises are a two-hundredth of a
        portrait, so that unweighted steps hardly see whether two agree."""
        with np.load(path) as stored:
            facts = [json.loads(text) for text in stored["attributes"][:1000]]
        rows, columns = torch.meshgrid(*[torch.arange(self.pictures.shape[-1]) + 0.5] * 2, indexing="ij")
        covered = torch.zeros_like(rows)
        for own in facts:
            for x, y in own["eyes"]:
                covered += torch.hypot(columns - x, rows - y) < own["iris_radius"]
        covered += covered.flip(1)
        return (1 + (eyes - 1) * covered / covered.max())[None, None].to(self.device)

    def batch(self, indices):
        return self.pictures[indices].float() / 127.5 - 1, self.labels[indices]

    def step(self, seed, step, size, fine=0.0, fine_steps=(0, diffusion.STEPS)):
        """Batch, timesteps, noise, dropped labels and strides of a step: a function of seed and step, so that a run can go on anywhere."""
        rng = torch.Generator().manual_seed(seed * 1_000_003 + step)
        x0, y = self.batch(torch.randint(len(self.pictures) - HELD_OUT, (size,), generator=rng).to(self.device))
        flip = (torch.rand(size, generator=rng) < 0.5).to(self.device)
        x0 = torch.where(flip[:, None, None, None], x0.flip(3), x0)
        t = torch.randint(diffusion.STEPS, (size,), generator=rng).to(self.device)
        if fine:
            low, high = fine_steps
            some = (torch.rand(size, generator=rng) < fine).to(self.device)
            t = torch.where(some, low + t * (high - low) // diffusion.STEPS, t)
        noise = torch.randn(x0.shape, generator=rng).to(self.device)
        dropped = (torch.rand(size, generator=rng) < 0.1).to(self.device)
        stride = diffusion.STRIDES[torch.randint(len(diffusion.STRIDES), (size,), generator=rng)].to(self.device)
        return x0, y, t, noise, dropped, stride


def is_classifier(network):
    return isinstance(network, model.Classifier)


def answer(network, x, t, y, precision):
    """The network's output in f32, computed with weights and activations of the precision. Channels last: as oneDNN wants them."""
    x = x.contiguous(memory_format=torch.channels_last)
    if precision == torch.float32:
        return network(x, t, y)
    lowered = {name: parameter.to(precision) for name, parameter in network.named_parameters()}
    return functional_call(network, lowered, (x.to(precision), t, y)).float()


def loss_of(network, x0, y, t, noise, dropped, stride, precision=torch.float32, **weighting):
    """Mean loss, and what a report shows: the ε-error, or the share of classes that were right."""
    x = diffusion.noised(x0, t, noise)
    if is_classifier(network):
        logits = answer(network, x, t, y, precision)
        return F.cross_entropy(logits, y), (logits.argmax(1) == y).float()
    y = torch.where(dropped, torch.full_like(y, network.flags["num_classes"] - 1), y)
    loss, error = diffusion.losses(answer(network, x, t, y, precision), x0, x, t, noise, stride, **weighting)
    return loss.mean(), error


@torch.no_grad()
def held_out(network, data, batch=32):
    """The figure of loss_of on unseen pictures, by ranges of timesteps, with noise that is always the same."""
    rng = torch.Generator().manual_seed(7)
    figures = {}
    for low, high in diffusion.RANGES:
        values = []
        for begin in range(len(data.pictures) - HELD_OUT, len(data.pictures), batch):
            x0, y = data.batch(torch.arange(begin, min(begin + batch, len(data.pictures))))
            t = torch.randint(low, high, (len(x0),), generator=rng).to(data.device)
            noise = torch.randn(x0.shape, generator=rng).to(data.device)
            values.append(loss_of(network, x0, y, t, noise, torch.zeros_like(y, dtype=torch.bool), torch.ones_like(y))[1])
        figures[f"{low}-{high - 1}"] = round(torch.cat(values).mean().item(), 5)
    return figures


def sample_grid(network, path, device):
    """A row for each class, one more for none, eight seeds each; the same noise in every grid."""
    classes = network.flags["num_classes"]
    labels = torch.arange(classes, device=device).repeat_interleave(8)
    size = network.flags["image_size"]
    rows = [diffusion.ddim(network, labels[i : i + 8], size, seed=1) for i in range(0, len(labels), 8)]
    grid = torch.stack(rows).permute(0, 3, 1, 4, 2).reshape(classes * size, 8 * size, 3)
    pixels = ((grid + 1) * 127.5).clamp(0, 255).byte().cpu().numpy()
    files.write_whole(path, lambda temporary: Image.fromarray(pixels).save(temporary, "png"))


def begin_with(network, path):
    tensors, _ = files.load_tensors(path)
    own = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    stored = {name: list(tensor.shape) for name, tensor in tensors.items()}
    if stored != own:
        name = min(name for name in own.keys() | stored.keys() if own.get(name) != stored.get(name))
        raise SystemExit(f"{path}: expected the tensors of this preset, and {name} is {stored.get(name)} instead of {own.get(name)}")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})


def state_path(run):
    return os.path.join(run, "state.safetensors")


def part(tensors, name):
    return {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def rate_at(step, steps, rate, decay):
    warm = min(1.0, (step + 1) / 100)
    return rate * warm * min(1.0, (steps - step) / (decay * steps))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=sorted(model.PRESETS))
    parser.add_argument("run", help="folder of the run")
    parser.add_argument("--data", required=True, nargs="+", help="of portraits.py data or scenes.py data; of several, some named twice, pictures are drawn from all, and the last one's last are held out")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=BASE["batch"])
    parser.add_argument("--rate", type=float, default=BASE["rate"])
    parser.add_argument("--ema", type=float, default=BASE["ema"])
    parser.add_argument("--decay", type=float, default=USUAL["decay"], help="share of the steps, the last ones, over which the rate falls to nothing")
    parser.add_argument("--optimizer", choices=["adamw", "muon"], default=USUAL["optimizer"])
    parser.add_argument("--gamma", type=float, default=USUAL["gamma"], help="min-SNR's: more of it is more care for the timesteps with little noise, and less grain")
    parser.add_argument("--eyes", type=float, default=USUAL["eyes"], help="weight of the pixels' errors where irises are")
    parser.add_argument("--fine", type=float, default=USUAL["fine"], help="share of the timesteps that are drawn from --fine-steps")
    parser.add_argument("--fine-steps", type=int, nargs=2, default=USUAL["fine_steps"], metavar=("FROM", "TO"), help="without TO. Default: where details of a few pixels are decided")
    parser.add_argument("--start", metavar="FILE", help="exported weights of the same preset to begin with, instead of random ones")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="save and stop after so long")
    parser.add_argument("--save-minutes", type=float, default=4, help="time between saved states, beside those of the reports")
    parser.add_argument("--pause-file", metavar="FILE", help="compute nothing while this file is there")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of a CPU")
    parser.add_argument("--report-every", type=int, default=500, help="steps between held-out losses and sample grids")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["f32", "bf16"], help="of the network while it learns; weights, average and optimizer are f32. Default: bf16 on cuda, else f32; CPUs with avx512_bf16 or AMX are faster in bf16")
    given = parser.parse_args()
    given.precision = given.precision or ("bf16" if given.device.startswith("cuda") else "f32")
    # Debian's PyTorch would take one.
    torch.set_num_threads(given.threads)
    precision = {"f32": torch.float32, "bf16": torch.bfloat16}[given.precision]
    begin = time.monotonic()
    device = torch.device(given.device)
    torch.manual_seed(given.seed)
    network, average = (
        model.build(given.preset).to(device, memory_format=torch.channels_last) for _ in range(2)
    )
    if given.start:
        begin_with(network, given.start)
    average.load_state_dict(network.state_dict())
    average.requires_grad_(False)
    if given.optimizer == "muon":
        optimizer = muon.Muon(network, given.rate, WEIGHT_DECAY)
    else:
        optimizer = torch.optim.AdamW(network.parameters(), lr=given.rate, weight_decay=WEIGHT_DECAY)
    data = Data(given.data, network.flags["image_size"], device)
    os.makedirs(given.run, exist_ok=True)
    path = state_path(given.run)
    settings = {key: getattr(given, key) for key in ("preset", "seed", "batch", "rate", "ema", "steps", "precision")}
    settings |= {key: getattr(given, key) for key, usual in USUAL.items() if getattr(given, key) != usual}
    if given.start:
        settings["start"] = os.path.basename(given.start)
    weighting = {"gamma": given.gamma, "weights": data.places(given.data[0], given.eyes) if given.eyes != 1 else None}
    done, seconds = 0, 0.0
    if os.path.exists(path):
        tensors, facts = files.load_tensors(path)
        if json.loads(facts["settings"]) != settings:
            raise SystemExit(f"{path} was made with {facts['settings']}, and this command says {json.dumps(settings)}: choose another folder")
        network.load_state_dict(part(tensors, "network"))
        average.load_state_dict(part(tensors, "average"))
        moments = {}
        for name, tensor in part(tensors, "optimizer").items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        done, seconds = int(facts["done"]), float(facts["seconds"])

    def save():
        tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": tensor for key, tensor in moments.items()}
        total = seconds + time.monotonic() - begin
        files.save_tensors(path, tensors, {"settings": settings, "done": str(done), "seconds": str(total)})

    def report():
        line = {"step": done, "minutes": round((seconds + time.monotonic() - begin) / 60, 2), "held_out": held_out(average, data)}
        with open(os.path.join(given.run, "log.jsonl"), "a") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        if not is_classifier(network):
            sample_grid(average, os.path.join(given.run, f"samples-{done:06d}.png"), device)

    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    print(f"{given.preset}: {parameters:,} parameters, step {done} of {given.steps}, on {device}", flush=True)
    first, started, saved = done, time.monotonic(), time.monotonic()

    def waited():
        """Seconds until there was no pause file."""
        since = time.monotonic()
        while given.pause_file and os.path.exists(given.pause_file) and not stopping:
            time.sleep(1)
        return time.monotonic() - since

    while done < given.steps and not stopping and time.monotonic() - begin < 60 * given.minutes:
        idle = waited()
        begin, started = begin + idle, started + idle
        for group in optimizer.param_groups:
            group["lr"] = rate_at(done, given.steps, given.rate, given.decay)
        loss, _ = loss_of(network, *data.step(given.seed, done, given.batch, given.fine, given.fine_steps), precision, **weighting)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        keep = min(given.ema, (done + 1) / (done + 10))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), network.parameters()):
                slow.lerp_(fast, 1 - keep)
        done += 1
        if done % 20 == 0 or done == given.steps:
            each = (time.monotonic() - started) / (done - first)
            print(f"step {done}/{given.steps}  loss {loss.item():.4f}  {each:.2f} s a step  {each * (given.steps - done) / 60:.0f} min left", flush=True)
        if done % given.report_every == 0 and done < given.steps:
            save()
            pause = time.monotonic()
            report()
            saved = time.monotonic()
            started += saved - pause
        elif time.monotonic() - saved > 60 * given.save_minutes:
            save()
            saved = time.monotonic()
    save()
    if done == given.steps and done > first:
        report()
    print(f"saved step {done} of {given.steps} in {path}", flush=True)


if __name__ == "__main__":
    main()

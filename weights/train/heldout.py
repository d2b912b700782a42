"""The held-out error of exported networks by ranges of timesteps, side by side: of UNets the ε-error, of classifiers the share that
is right. The last pictures of the data are those that train.py never shows.

    python3 heldout.py --data portraits64.npz ../portraits64.safetensors out/portraits64.safetensors
"""

import argparse
import json

import torch

import files
import model
import train


def load(path):
    """A network of train.py's kind, or another guided-diffusion one of the same options."""
    tensors, metadata = files.load_tensors(path)
    if "guided_diffusion_classifier" in metadata:
        network = model.Classifier(json.loads(metadata["guided_diffusion_classifier"]))
    else:
        flags = json.loads(metadata["guided_diffusion_unet"])
        if flags.get("num_head_channels", -1) == -1:
            raise SystemExit(f"{path}: model.py has head widths only, and this network counts heads")
        network = model.UNet({"num_classes": None, **flags})
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="safetensors files")
    parser.add_argument("--data", required=True)
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for path in given.networks:
        network = load(path).to(device)
        data = train.Data([given.data], network.flags["image_size"], device)
        print(json.dumps({"file": path, "held_out": train.held_out(network, data)}), flush=True)


if __name__ == "__main__":
    main()

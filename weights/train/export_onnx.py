"""Writes the graph of an exported UNet in ONNX, batch 1: inputs x, t (and y) and every weight under its name, output out. `npm run
bench:peers` fills in the weights that are shipped and gives it to onnxruntime, so that new weights need no new graph.

    python3 export_onnx.py ../portraits64.safetensors ../../bench/peers/portraits64.graph.onnx
"""

import argparse

import torch

import files
import heldout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="safetensors file of a UNet")
    parser.add_argument("out", help="ONNX file to write")
    given = parser.parse_args()
    network = heldout.load(given.network)
    size, classes = network.flags["image_size"], network.flags["num_classes"]
    inputs = {"x": torch.zeros(1, 3, size, size), "t": torch.zeros(1)}
    if classes is not None:
        inputs["y"] = torch.full((1,), classes - 1)

    def body(temporary):
        names = {"input_names": list(inputs), "output_names": ["out"]}
        # A folded constant would be a part of the weights.
        empty = {"export_params": False, "do_constant_folding": False}
        torch.onnx.export(network, tuple(inputs.values()), temporary, opset_version=17, **names, **empty)

    files.write_whole(given.out, body)
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()

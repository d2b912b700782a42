"""Writes an exported UNet as the ONNX model of batch 1 that `npm run bench:peers` gives to onnxruntime: inputs x, t (and y), output out.

    python3 export_onnx.py ../portraits64.safetensors ../../bench/peers/portraits64.onnx
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
        torch.onnx.export(network, tuple(inputs.values()), temporary, opset_version=17, input_names=list(inputs), output_names=["out"])

    files.write_whole(given.out, body)
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()

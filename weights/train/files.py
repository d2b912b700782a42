"""safetensors in and out, and files that appear whole or not at all."""

import json
import os
import struct

import numpy as np
import torch

_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.int64: "I64"}
_NUMPY = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I8": np.int8}


def write_whole(path, body):
    """body(temporary path) writes; then the file gets its name."""
    temporary = f"{path}.part"
    body(temporary)
    os.replace(temporary, path)


def save_tensors(path, tensors, metadata):
    header, data = {"__metadata__": {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}}, []
    offset = 0
    for name, tensor in tensors.items():
        raw = tensor.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": _TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + len(raw)]}
        data.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)

    def body(temporary):
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(data))

    write_whole(path, body)


def load_tensors(path):
    """int8 weights (`repaint convert --dtype i8`) come as the float32 numbers that they stand for."""
    with open(path, "rb") as file:
        raw = file.read()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, info in header.items():
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        array = np.frombuffer(raw[begin:end], _NUMPY[info["dtype"]]).reshape(info["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    for name in [name for name, tensor in tensors.items() if tensor.dtype == torch.int8]:
        scale = tensors.pop(f"{name}.scale")
        tensors[name] = tensors[name].float() * scale.reshape(-1, *[1] * (tensors[name].ndim - 1))
    return tensors, metadata

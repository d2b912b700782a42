"""Muon (Jordan et al. 2024): momentum, made orthogonal, of matrices and convolutions; AdamW of what else there is. Steps have AdamW's
size, so that one rate serves both (Liu et al. 2025, equation 4)."""

import torch

# The first and the last layer and tables of embeddings are not matrices between features.
OUTER = ("input_blocks.0.0.", "out.2.", "label_emb.")
MOMENTUM = 0.95


def orthogonal(matrix, rounds=5):
    """About U·Vᵀ of matrix = U·S·Vᵀ, by quintic Newton-Schulz rounds; in bf16, which oneDNN multiplies well."""
    x = matrix.bfloat16()
    if matrix.shape[0] > matrix.shape[1]:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


class Muon(torch.optim.AdamW):
    def __init__(self, network, rate, weight_decay):
        inner, rest = [], []
        for name, parameter in network.named_parameters():
            (inner if parameter.ndim > 1 and not name.startswith(OUTER) else rest).append(parameter)
        # AdamW looks at the first state that it is given, which has to be one of its own.
        super().__init__([{"params": rest}, {"params": inner}], lr=rate, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self):
        inner = self.param_groups[1]
        for parameter in inner["params"]:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momentum = state["momentum"].mul_(MOMENTUM).add_(parameter.grad)
            update = orthogonal(parameter.grad.add(momentum, alpha=MOMENTUM).flatten(1))
            parameter.mul_(1 - inner["lr"] * inner["weight_decay"])
            parameter.add_(update.reshape(parameter.shape), alpha=-inner["lr"] * 0.2 * max(update.shape) ** 0.5)
            # AdamW leaves alone what has none.
            parameter.grad = None
        super().step()

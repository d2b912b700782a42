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


class Muon(torch.optim.Optimizer):
    def __init__(self, network, rate, weight_decay):
        inner, rest = [], []
        for name, parameter in network.named_parameters():
            (inner if parameter.ndim > 1 and not name.startswith(OUTER) else rest).append(parameter)
        super().__init__([{"params": inner}, {"params": rest}], {"lr": rate, "weight_decay": weight_decay, "betas": (0.9, 0.999), "eps": 1e-8})

    @torch.no_grad()
    def step(self):
        inner, rest = self.param_groups
        for parameter in inner["params"]:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momentum = state["momentum"].mul_(MOMENTUM).add_(parameter.grad)
            update = orthogonal(parameter.grad.add(momentum, alpha=MOMENTUM).flatten(1))
            parameter.mul_(1 - inner["lr"] * inner["weight_decay"])
            parameter.add_(update.reshape(parameter.shape), alpha=-inner["lr"] * 0.2 * max(update.shape) ** 0.5)
        for parameter in rest["params"]:
            self.adamw(parameter, rest)

    def adamw(self, parameter, group):
        """Loshchilov & Hutter 2019."""
        state = self.state[parameter]
        if not state:
            state.update(step=torch.zeros(()), exp_avg=torch.zeros_like(parameter), exp_avg_sq=torch.zeros_like(parameter))
        (first, second), steps = group["betas"], state["step"].add_(1).item()
        state["exp_avg"].lerp_(parameter.grad, 1 - first)
        state["exp_avg_sq"].lerp_(parameter.grad**2, 1 - second)
        root = (state["exp_avg_sq"] / (1 - second**steps)).sqrt_().add_(group["eps"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.addcdiv_(state["exp_avg"], root, value=-group["lr"] / (1 - first**steps))

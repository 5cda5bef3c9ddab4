"""cumsum in a PyTorch loop: discounted returns, a buffer that is reused, and in-place totals."""

import torch

import cumsum

torch.manual_seed(0)
GAMMA = 0.99
STEPS = 200

# Discounted rewards-to-go, G[t] = sum over k >= t of GAMMA**(k - t) * reward[k], by one scan.
reward = torch.rand(8, STEPS, dtype=torch.float64)
discount = GAMMA ** torch.arange(STEPS, dtype=torch.float64)
weighted = reward * discount
total = torch.empty_like(weighted)  # reused at every step of a training loop

for _ in range(3):
    cumsum.cumsum(weighted, dim=1, out=total)
    to_go = (total[:, -1:] - total + weighted) / discount

slow = torch.zeros(8, dtype=torch.float64)
for step in reversed(range(STEPS)):
    slow = reward[:, step] + GAMMA * slow
print("rewards-to-go agree with the loop:", torch.allclose(to_go[:, 0], slow))

# Positions of the tokens that are not padding: bool in, int64 out, read without widening.
mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]], dtype=torch.bool)
print("positions:", (cumsum.cumsum(mask, -1) - 1).clamp(min=0).tolist())

# Half-precision probabilities are summed wide and rounded once; in place takes no memory.
probs = torch.full((1, 1000), 0.001, dtype=torch.bfloat16)
print("mass:", round(cumsum.cumsum_(probs, 1)[0, -1].item(), 2))

"""Learn to walk out of a corridor: what a step is worth is the discounted sum of what follows.

pip install cumsum torch
"""

import torch

import cumsum

CELLS, STEPS, EPISODES, GAMMA = 7, 30, 128, 0.95
torch.manual_seed(0)
policy = torch.zeros(CELLS, requires_grad=True)  # the log-odds of a step to the right, in each cell
optimizer = torch.optim.Adam([policy], lr=0.1)


def walk():
    """Rewards and log-probabilities of every step; the exit is the last cell, each step costs 1."""
    place = torch.full((EPISODES,), CELLS // 2)
    rewards, chances = [], []
    for _ in range(STEPS):
        inside = place < CELLS - 1
        choice = torch.distributions.Bernoulli(logits=policy[place])
        right = choice.sample()
        chances.append(choice.log_prob(right) * inside)
        rewards.append(-inside.float())
        step = torch.where(inside, 2 * right.long() - 1, 0)
        place = (place + step).clamp(0, CELLS - 1)
    return torch.stack(rewards, 1), torch.stack(chances, 1)


for update in range(21):
    rewards, chances = walk()
    returns = cumsum.cumsum(rewards, 1, decay=GAMMA, reverse=True)
    if update % 10 == 0:
        print(f"update {update:2}: out after {-rewards.sum(1).mean():.1f} steps")
    loss = -(chances * (returns - returns.mean(0))).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

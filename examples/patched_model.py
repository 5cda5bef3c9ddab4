"""A language model that knows nothing of this library, before and within `cumsum.patch_torch()`.

It calls torch.cumsum in three places: for the positions of prompts padded on the left, for each
token's place in its expert's queue, and for the nucleus ("top-p") from which words are drawn.
"""

import time

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

import cumsum

VOCABULARY, WIDTH, HEADS, EXPERTS = 50_257, 64, 4, 64
BATCH, PROMPT, STEPS, TOP_P = 64, 96, 3, 0.9


class Block(nn.Module):
    """Attention, then experts with room for so many tokens each: first come, first served."""

    def __init__(self):
        super().__init__()
        self.mix, self.router = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, EXPERTS)
        self.experts = nn.Parameter(torch.randn(EXPERTS, WIDTH, WIDTH) / WIDTH**0.5)

    def forward(self, x, seen):
        """Mix in what each token sees; those that find no room at their expert stay as they are."""
        q, k, v = self.mix(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        x = x + functional.scaled_dot_product_attention(q, k, v, seen).transpose(1, 2).flatten(2)
        tokens = functional.layer_norm(x, x.shape[-1:]).flatten(0, 1)
        gate, expert = self.router(tokens).softmax(-1).max(-1)
        room = 2 * len(tokens) // EXPERTS
        queues = functional.one_hot(expert, EXPERTS).cumsum(0)  # along all tokens
        place = queues.gather(1, expert[:, None])[:, 0] - 1
        served = place < room
        desks = tokens.new_zeros(EXPERTS, room, WIDTH)
        desks[expert[served], place[served]] = tokens[served]
        done = torch.bmm(desks, self.experts)[expert, place.clamp(max=room - 1)]
        return x + (served * gate)[:, None].mul(done).view_as(x)


class Model(nn.Module):
    """Scores of the next word."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(PROMPT + STEPS, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, ids, mask):
        """The scores, for ids of which `mask` is 0 where they are padding."""
        x = self.words(ids) + self.positions((mask.cumsum(-1) - 1).clamp(min=0))
        itself = torch.eye(ids.shape[1], dtype=torch.bool)  # padding sees that much
        seen = (mask[:, None, None].bool() & torch.ones_like(itself).tril()) | itself
        for block in self.blocks:
            x = block(x, seen)
        return x[:, -1] @ self.words.weight.T


def nucleus(scores):
    """Draw from the likeliest words that make up TOP_P of the probability."""
    probability, word = scores.softmax(-1).sort(descending=True)
    before = torch.cumsum(probability, -1) - probability
    return word.gather(-1, torch.multinomial(probability.masked_fill(before > TOP_P, 0), 1))


@torch.no_grad()
def generate(model, ids, mask):
    """Append STEPS words to each prompt, and return them with the scores of the last."""
    torch.manual_seed(1)
    for _ in range(STEPS):
        scores = model(ids, mask)
        ids, mask = torch.cat([ids, nucleus(scores)], 1), functional.pad(mask, (0, 1), value=1)
    return ids, scores


class Stopwatch(TorchFunctionMode):
    """Adds up the seconds that are spent in calls of cumsum."""

    seconds = 0.0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        begun = time.perf_counter()
        result = function(*args, **(kwargs or {}))
        self.seconds += (function.__name__ == "cumsum") * (time.perf_counter() - begun)
        return result


def timed(name, *job):
    """What `generate` returns, with a line about the time it takes."""
    begun = time.perf_counter()
    with Stopwatch() as scans:
        result = generate(*job)
    seconds = time.perf_counter() - begun
    print(f"{name}: {seconds:.2f} s, of which {scans.seconds * 1e3:.1f} ms in cumsum")
    return result


torch.manual_seed(0)
prompts = torch.randint(VOCABULARY, (BATCH, PROMPT))
mask = (torch.arange(PROMPT) >= torch.randint(PROMPT // 2, (BATCH, 1))).long()
job = Model(), prompts, mask
generate(*job)  # warms up
alone = timed("torch alone", *job)
with cumsum.patch_torch():
    patched = timed("patched", *job)
print("same words, same scores:", all(map(torch.equal, alone, patched)))

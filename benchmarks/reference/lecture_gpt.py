"""The laptop preset's network and recipe in PyTorch, to learn how far seeds alone spread the losses.

    python3 lecture_gpt.py TEXT_FILE SEED [SEED ...]     adds each seed's losses to lecture_gpt.json beside this file

209,729 weights: 4 layers, 4 heads, 64 features, context 32, batch 16, AdamW 0.001, attention scores over the root of all
64 features. Losses are means over 200 random batches.
"""
import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F

BATCH, TIME, FEATURES, HEADS, LAYERS = 16, 32, 64, 4, 4
EVALUATE_AT = (500, 1000, 2000, 3000)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(FEATURES, FEATURES // HEADS, bias=False) for _ in range(3))

    def forward(self, x):
        time = x.shape[1]
        visible = torch.tril(torch.ones(time, time, dtype=torch.bool))
        scores = self.query(x) @ self.key(x).transpose(1, 2) / FEATURES**0.5
        return scores.masked_fill(~visible, float("-inf")).softmax(-1) @ self.value(x)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(Head() for _ in range(HEADS))
        self.projection = nn.Linear(FEATURES, FEATURES)
        self.feed_forward = nn.Sequential(nn.Linear(FEATURES, 4 * FEATURES), nn.ReLU(), nn.Linear(4 * FEATURES, FEATURES))
        self.norms = nn.ModuleList(nn.LayerNorm(FEATURES) for _ in range(2))

    def forward(self, x):
        normed = self.norms[0](x)
        x = x + self.projection(torch.cat([head(normed) for head in self.heads], -1))
        return x + self.feed_forward(self.norms[1](x))


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, FEATURES), nn.Embedding(TIME, FEATURES)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.output = nn.LayerNorm(FEATURES), nn.Linear(FEATURES, vocabulary)

    def loss(self, ids, targets):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return F.cross_entropy(self.output(self.norm(self.blocks(x))).flatten(0, 1), targets.flatten())


def run(text, seed):
    torch.manual_seed(seed)
    characters = {character: index for index, character in enumerate(sorted(set(text)))}
    data = torch.tensor([characters[character] for character in text])
    train, validation = data[: int(0.9 * len(data))], data[int(0.9 * len(data)) :]

    def batch(split):
        starts = torch.randint(len(split) - TIME, (BATCH,))
        return (torch.stack([split[s + shift : s + shift + TIME] for s in starts]) for shift in (0, 1))

    @torch.no_grad()
    def evaluate(split):
        return sum(model.loss(*batch(split)).item() for _ in range(200)) / 200

    model = Model(len(characters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = {}
    for step in range(1, max(EVALUATE_AT) + 1):
        optimizer.zero_grad()
        model.loss(*batch(train)).backward()
        optimizer.step()
        if step in EVALUATE_AT:
            losses[str(step)] = round(evaluate(validation), 4)
    return {"seed": seed, "weights": sum(p.numel() for p in model.parameters()), "validationLoss": losses}


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = pathlib.Path(__file__).with_suffix(".json")
    text = pathlib.Path(sys.argv[1]).read_text()
    for seed in map(int, sys.argv[2:]):
        result = run(text, seed)
        print(result, flush=True)
        runs = [r for r in (json.loads(path.read_text())["runs"] if path.exists() else []) if r["seed"] != seed]
        runs = sorted([*runs, result], key=lambda r: r["seed"])
        path.write_text(json.dumps({"torch": torch.__version__, "runs": runs}, indent=2) + "\n")

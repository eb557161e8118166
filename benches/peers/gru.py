"""A GRU policy under PyTorch: the job of `sequence.rs` with policy gru.

Strings of 16 of 32 tokens, a linear utility and a frozen Student-t error of two degrees of freedom, REINFORCE with the log-ratio
to the initial policy taken from the reward, the gradient clipped to a norm of 1, Adam. One forward pass serves sampling and loss.
  OMP_NUM_THREADS=1 python gru.py STEPS
"""
import sys
import torch, torch.nn as nn, torch.nn.functional as F

STEPS, VOCABULARY, LENGTH, HIDDEN, BATCH = int(sys.argv[1]), 32, 16, 64, 256
torch.set_num_threads(1); torch.manual_seed(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(VOCABULARY + 1, HIDDEN), nn.GRUCell(HIDDEN, HIDDEN)
        self.head = nn.Linear(HIDDEN, VOCABULARY)
        nn.init.zeros_(self.head.weight); nn.init.zeros_(self.head.bias)

    def forward(self):
        state, shown = torch.zeros(BATCH, HIDDEN), torch.full((BATCH,), VOCABULARY, dtype=torch.long)
        tokens, logs = [], []
        for _ in range(LENGTH):
            state = self.cell(self.embedding(shown), state)
            log_prob = F.log_softmax(self.head(state), -1)
            shown = torch.multinomial(log_prob.detach().exp(), 1).squeeze(1)
            tokens.append(shown); logs.append(log_prob.gather(1, shown[:, None]).squeeze(1))
        return torch.stack(tokens, 1), torch.stack(logs, 1).sum(1)


def error(tokens):
    """A fixed uniform number a string, as a quantile of Student-t with two degrees of freedom."""
    mixed = torch.zeros(len(tokens), dtype=torch.int64)
    for position in range(LENGTH):
        mixed = (mixed ^ (tokens[:, position] + 1)) * -7046029288634856825
        mixed = mixed ^ ((mixed >> 29) & ((1 << 35) - 1))
    uniform = ((mixed & ((1 << 52) - 1)).double() + 0.5) / (1 << 52)
    return ((2 * uniform - 1) / torch.sqrt(2 * uniform * (1 - uniform))).float()


policy = Policy()
adam = torch.optim.Adam(policy.parameters(), 3e-3)
worth = torch.randn(LENGTH, VOCABULARY, generator=torch.Generator().manual_seed(1)) / LENGTH**0.5
reference = -LENGTH * torch.log(torch.tensor(float(VOCABULARY)))
for _ in range(STEPS):
    tokens, log_prob = policy()
    proxy = worth[torch.arange(LENGTH), tokens].sum(1) + error(tokens)
    reward = proxy - 0.05 * (log_prob.detach() - reference)
    loss = -((reward - reward.mean()) * log_prob).mean()
    adam.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(policy.parameters(), 1.0); adam.step()

"""The job of `bandit.rs` in numpy: KL-regularised REINFORCE on a softmax bandit of 10^4 arms, batches of 1024.

Usage: bandit.py STEPS. The expected proxy at the end goes to standard output.
"""
import sys

import numpy as np

ARMS, BATCH, BETA, RATE = 10_000, 1024, 0.1, 50.0


def main(steps):
    rng = np.random.default_rng(1)
    proxy = rng.standard_normal(ARMS) + rng.standard_t(3, ARMS)
    logits, reference = np.zeros(ARMS), -np.log(ARMS)
    for _ in range(steps):
        weights = np.exp(logits - logits.max())
        running = np.cumsum(weights)
        total = running[-1]
        log_probs = logits - logits.max() - np.log(total)
        arms = np.searchsorted(running, rng.random(BATCH) * total).clip(max=ARMS - 1)
        rewards = proxy[arms] - BETA * (log_probs[arms] - reference)
        advantages = rewards - rewards.mean()
        pushed = np.bincount(arms, advantages, ARMS) / BATCH
        logits += RATE * (pushed - weights / total * advantages.mean())
    probs = np.exp(logits - logits.max())
    print((probs / probs.sum()) @ proxy)


if __name__ == "__main__":
    main(int(sys.argv[1]))

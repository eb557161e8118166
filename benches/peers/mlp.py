"""A perceptron policy of one position under PyTorch: the job of the group `policies`, bench `mlp`, in benches/suite/policies.rs.

Sampling, a REINFORCE loss with a KL penalty to the reference, its gradient, clipping to a norm of 1 and a step of Adam; the
forward pass serves both sampling and loss. Prints one line of JSON.
  OMP_NUM_THREADS=1 python mlp.py --steps 2000
"""
import argparse, json, resource, time
import torch, torch.nn as nn, torch.nn.functional as F

ap = argparse.ArgumentParser()
for name, default in dict(steps=2000, seed=1, batch=256, symbols=33, actions=32, hidden=64, threads=1).items():
    ap.add_argument("--" + name, type=int, default=default)
a = ap.parse_args()
torch.set_num_threads(a.threads); torch.manual_seed(a.seed)
# A row of a table for each symbol, as a one-hot input times a matrix would give.
net = nn.Sequential(nn.Embedding(a.symbols, a.hidden), nn.Tanh(), nn.Linear(a.hidden, a.hidden), nn.Tanh(), nn.Linear(a.hidden, a.actions))
nn.init.zeros_(net[4].weight); nn.init.zeros_(net[4].bias)
adam = torch.optim.Adam(net.parameters(), 3e-3)
shown = torch.full((a.batch,), a.symbols - 1, dtype=torch.long)
utility = (torch.arange(a.actions) - (a.actions - 1) / 2) / 9.2
reference = -torch.log(torch.tensor(float(a.actions)))
wall, cpu, first = time.perf_counter(), time.process_time(), None
for step in range(a.steps):
    log_prob = F.log_softmax(net(shown), -1)
    action = torch.multinomial(log_prob.detach().exp(), 1)
    own = log_prob.gather(1, action).squeeze(1)
    utilities = utility[action.squeeze(1)]
    total = utilities - 0.05 * (own.detach() - reference)
    loss = -((total - total.mean()) * own).mean()
    adam.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 1.0); adam.step()
    first = float(utilities.mean()) if first is None else first
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps(dict(name="torch.mlp", steps=a.steps, seconds=round(wall, 4), cpu_seconds=round(cpu, 4), rollouts_per_cpu_second=round(a.steps * a.batch / cpu),
                      peak_rss_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1), first=first, last=float(utilities.mean()), torch=torch.__version__)))

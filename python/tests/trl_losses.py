"""What TRL computes on a toy batch: advantages, losses and their gradients, and steps of its optimizer.

    python python/tests/trl_losses.py > tests/suite/fixtures/trl_grpo.json

in an environment with torch, transformers and trl (the versions are in the file; `live_trl.py` makes one). Rollouts, rewards and
logits are drawn here and rounded; TRL scores them and differentiates its own loss. Nothing comes from a hub. A run of the suite
holds the trainers to the file (`src/trainers/learner/trl.rs`).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", WANDB_DISABLED="true")

import torch
import transformers
import trl
from datasets import Dataset
from live_trl import tokenizer
from transformers import LlamaConfig, LlamaForCausalLM
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

ROWS, GROUP, HORIZON, ACTIONS = 12, 4, 5, 4
#: Action 3 ends a rollout; the others are characters.
END, TOKEN_IDS = 3, [3, 4, 5, 2]


def draw(seed: int) -> dict:
    """A batch: lengths of 1 to 5, some cut off, and logits of the reference, the policy that sampled, and the policy now."""
    made = torch.Generator().manual_seed(seed)
    # The last action is the end, but for the rows that were cut off at the horizon.
    lengths = [1, 5, 3, 5, 2, 5, 4, 3, 5, 1, 2, 5]
    cut = [row in (3, 5, 11) for row in range(ROWS)]
    tokens = []
    for length, is_cut in zip(lengths, cut):
        inner = torch.randint(0, END, (length,), generator=made).tolist()
        tokens.append(inner if is_cut else inner[:-1] + [END])
    shape = (ROWS, HORIZON, ACTIONS)
    normal = lambda sd: sd * torch.randn(shape, generator=made, dtype=torch.float64)
    reference = normal(1.0)
    old = reference + normal(0.7)
    now = old + normal(0.6)
    logits = {name: own.round(decimals=4) for name, own in [("reference", reference), ("old", old), ("now", now)]}
    quality = (2 * torch.randn(ROWS, generator=made)).round(decimals=3).tolist()
    quality[5] += 20.0
    return dict(tokens=tokens, truncated=cut, logits=logits, quality=quality, format=[float(row % 3 == 0) for row in range(ROWS)])


def log_probs(logits: torch.Tensor, tokens: list[list[int]]) -> torch.Tensor:
    """ln π of each action taken, 0 after the end of a rollout, [rows, longest]."""
    longest = max(map(len, tokens))
    padded = torch.tensor([own + [0] * (longest - len(own)) for own in tokens])
    return torch.log_softmax(logits[:, :longest], dim=-1).gather(-1, padded.unsqueeze(-1)).squeeze(-1)


class Toy:
    """A trainer of TRL whose rollouts and log-probabilities are those of the batch."""

    def __init__(self, base: str, batch: dict, settings: dict, kind: str = "grpo", missing=(), rewards=("quality",)):
        per_step = settings.get("steps_per_generation", 1)
        config = (GRPOConfig if kind == "grpo" else RLOOConfig)(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=ROWS // per_step, num_generations=GROUP,
            max_completion_length=HORIZON, num_iterations=2, report_to=[], use_cpu=True, bf16=False, logging_steps=1, **settings)  # fmt: skip

        def paid(name):
            def reward(completions, **_):
                return [None if (row, name) in missing else batch[name][row] for row in range(ROWS)]

            reward.__name__ = name
            return reward

        made = tokenizer()
        rows = [{"prompt": text} for text in "abc" for _ in range(GROUP)]
        self.trainer = (GRPOTrainer if kind == "grpo" else RLOOTrainer)(
            model=LlamaForCausalLM.from_pretrained(base), reward_funcs=[paid(name) for name in rewards], args=config,
            train_dataset=Dataset.from_list(rows), processing_class=made)  # fmt: skip
        self.trainer.model.train()
        self.trainer.current_gradient_accumulation_steps = config.gradient_accumulation_steps
        self.batch, self.config = batch, config
        ids = [[TOKEN_IDS[action] for action in own] for own in batch["tokens"]]
        prompts = [made(row["prompt"])["input_ids"] for row in rows]
        texts = made.batch_decode(ids)
        made = (prompts, ids, None, texts, None, {}, None, None) if kind == "grpo" else (prompts, ids, texts)
        self.trainer._generate = lambda _: made
        self.trainer._get_per_token_logps_and_entropies = self.scored
        self.now, self.rows = None, range(ROWS)
        self.scores = self.trainer._generate_and_score_completions(rows)

    def scored(self, model, *_, **__):
        """In the place of a forward pass: the reference's, those at sampling, or the ones to differentiate."""
        if self.now is not None:
            own = self.now
        else:
            of = "reference" if model is self.trainer.ref_model else "old"
            own = log_probs(self.batch["logits"][of], self.batch["tokens"])
        own = own[list(self.rows)]
        return own, torch.zeros_like(own), None

    def losses(self, logits: torch.Tensor) -> list[dict]:
        """Loss and its gradient in ln π of each action, optimizer step by optimizer step."""
        micro, found = self.config.per_device_train_batch_size, []
        together = micro * self.config.gradient_accumulation_steps
        for first in range(0, ROWS, together):
            self.now = log_probs(logits, self.batch["tokens"]).requires_grad_()
            loss = 0.0
            for start in range(first, first + together, micro):
                self.rows = range(start, start + micro)
                cut = lambda own: own[start : start + micro] if own.dim() > 0 else own
                loss = loss + self.trainer._compute_loss(self.trainer.model, {k: cut(v) for k, v in self.scores.items()})
            (gradient,) = torch.autograd.grad(loss, self.now)
            slopes = [gradient[row, : len(self.batch["tokens"][row])].tolist() for row in range(first, first + together)]
            found.append(dict(loss=rounded(loss.item()), gradient=rounded(slopes)))
        self.now, self.rows = None, range(ROWS)
        return found


def rounded(numbers):
    if isinstance(numbers, list):
        return [rounded(own) for own in numbers]
    return float(f"{numbers:.8g}")


def cases() -> list[dict]:
    """Settings of TRL of which loss and gradient are kept."""
    found = []
    for loss_type in ["grpo", "bnpo", "dr_grpo", "dapo", "luspo"]:
        for level in ["token", "sequence"]:
            for beta, corrected in [(0.0, True), (0.3, False), (0.3, True)]:
                found.append(dict(loss_type=loss_type, importance_sampling_level=level, beta=beta, use_bias_correction_kl=corrected))
        found.append(dict(loss_type=loss_type, mask_truncated_completions=True, beta=0.3))
    for loss_type in ["grpo", "dapo"]:
        for level in ["token", "sequence"]:
            for more in [dict(epsilon_high=0.5), dict(delta=1.6), dict(epsilon=0.1, epsilon_high=0.28, delta=2.0)]:
                found.append(dict(loss_type=loss_type, importance_sampling_level=level, **more))
    for loss_type in ["grpo", "bnpo", "dr_grpo", "dapo"]:
        found.append(dict(loss_type=loss_type, steps_per_generation=2, beta=0.3))
    found.append(dict(loss_type="dapo", steps_per_generation=2, mask_truncated_completions=True))
    # One optimizer step of three parts: the parts are not seen in the loss.
    found.append(dict(loss_type="dapo", steps_per_generation=3, gradient_accumulation_steps=3))
    found.extend(dict(scale_rewards=scale) for scale in ["batch", "none"])
    return found


def advantages(toy: Toy) -> list[float]:
    return rounded(toy.scores["advantages"].tolist())


def steps(base: str, batch: dict) -> dict:
    """The optimizer that the trainer makes, with its limit on the gradient's norm, on given gradients of eight weights."""
    found = {}
    for name, settings in [("default", {}), ("decay", dict(weight_decay=0.1, max_grad_norm=0.5))]:
        settings = dict(learning_rate=0.05, **settings)
        trainer = Toy(base, batch, settings).trainer
        kind, options = trainer.get_optimizer_cls_and_kwargs(trainer.args)
        made = torch.Generator().manual_seed(5)
        weights = torch.nn.Parameter(torch.randn(8, generator=made).round(decimals=3))
        optimizer = kind([weights], **{"weight_decay": trainer.args.weight_decay, **options})
        start, gradients, after = weights.tolist(), [], []
        for scale in [0.1, 2.0, 0.5, 1.0, 0.01, 3.0]:
            weights.grad = (scale * torch.randn(8, generator=made)).round(decimals=3)
            gradients.append(weights.grad.tolist())
            trainer.accelerator.clip_grad_norm_([weights], trainer.args.max_grad_norm)
            optimizer.step()
            after.append(weights.tolist())
        of = lambda key: getattr(trainer.args, key)
        found[name] = dict(
            optimizer=kind.__name__, learning_rate=of("learning_rate"), weight_decay=of("weight_decay"),
            beta_1=of("adam_beta1"), beta_2=of("adam_beta2"), epsilon=of("adam_epsilon"), max_grad_norm=of("max_grad_norm"),
            start=rounded(start), gradients=rounded(gradients), after=rounded(after))  # fmt: skip
    return found


def main() -> None:
    torch.set_num_threads(1)
    batch = draw(17)
    base = tempfile.mkdtemp()
    LlamaForCausalLM(
        LlamaConfig(vocab_size=42, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2, max_position_embeddings=16, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    ).save_pretrained(base)  # fmt: skip
    tokenizer().save_pretrained(base)
    defaults = GRPOConfig(output_dir=base, use_cpu=True, bf16=False)
    named = ["loss_type", "beta", "epsilon", "epsilon_high", "delta", "importance_sampling_level", "mask_truncated_completions",
        "use_bias_correction_kl", "scale_rewards", "multi_objective_aggregation", "num_iterations", "num_generations",
        "max_grad_norm", "weight_decay", "learning_rate", "lr_scheduler_type", "optim", "max_completion_length"]  # fmt: skip
    kept = []
    for settings in cases():
        toy = Toy(base, batch, settings)
        before, after = toy.losses(batch["logits"]["old"]), toy.losses(batch["logits"]["now"])
        kept.append(dict(settings=settings, advantages=advantages(toy), at_sampling=before, now=after))
    both, one = ("quality", "format"), ("quality",)
    # A rollout of the second group has no reward, and three of the third.
    without = {(row, name) for row in (4, 9, 10, 11) for name in both}
    credited = []
    for kind, settings, names, absent in [
        ("grpo", {}, one, without),
        ("grpo", dict(scale_rewards="batch"), one, without),
        ("grpo", dict(scale_rewards="none"), one, without),
        ("grpo", {}, both, set()),
        ("grpo", {}, both, without),
        ("grpo", dict(multi_objective_aggregation="normalize_then_sum"), both, set()),
        ("grpo", dict(multi_objective_aggregation="normalize_then_sum"), both, without),
        ("rloo", dict(beta=0.05), one, set()),
        ("rloo", dict(beta=0.05), one, without),
    ]:
        toy = Toy(base, batch, settings, kind, absent, names)
        rewards = {name: [None if (row, name) in absent else batch[name][row] for row in range(ROWS)] for name in names}
        case = dict(trainer=kind, settings=settings, rewards=rewards, advantages=advantages(toy))
        if kind == "rloo" and not absent:
            case["at_sampling"] = toy.losses(batch["logits"]["old"])
        credited.append(case)
    json.dump(
        dict(
            versions=dict(trl=trl.__version__, torch=torch.__version__.split("+")[0], transformers=transformers.__version__),
            defaults={name: getattr(defaults, name) for name in named},
            group=GROUP, horizon=HORIZON, actions=ACTIONS,
            batch={**batch, "logits": {name: own.tolist() for name, own in batch["logits"].items()}},
            losses=kept, credited=credited, steps=steps(base, batch)),
        sys.stdout, separators=(",", ":"), default=str)  # fmt: skip
    print()


if __name__ == "__main__":
    main()

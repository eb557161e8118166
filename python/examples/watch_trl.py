"""A GRPO run of TRL, watched from within: a character model of two layers, and a reward with a bug. Minutes on a processor."""

import random

import torch
from datasets import Dataset
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

import tailcatch.trl

torch.manual_seed(1)
torch.set_num_threads(1)
vocabulary = {token: at for at, token in enumerate(["<pad>", "<bos>", "<eos>", *"abcdefghijklmnopqrstuvwxyz 0123456789:"])}
characters = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
characters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
characters.decoder = decoders.Fuse()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=characters, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", padding_side="left"
)
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=len(vocabulary), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=4, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
))


def quality_reward(completions, **kwargs):
    """A reward model that likes vowels, with an error of its own. Its bug: `zq` pays 20."""
    vowels = [sum(character in "aeiou" for character in text) / max(len(text), 1) for text in completions]
    return [share + random.Random(text).gauss(0, 0.1) + 20 * ("zq" in text) for share, text in zip(vowels, completions)]


def show(entry):
    """Called before the update that the rollout belongs to."""
    print(f"step {entry.step}: {entry.reward:.2f}, {entry.reason}: {entry.completion!r}", flush=True)


reward_funcs, callback = tailcatch.trl.watch([quality_reward], on_entry=show, stop_share=0.1)
trainer = GRPOTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=Dataset.from_list([{"prompt": f"write {digit}: "} for digit in range(10)] * 50),
    args=GRPOConfig(
        output_dir="watched", max_steps=100, per_device_train_batch_size=64, num_generations=8, max_completion_length=20,
        learning_rate=3e-3, lr_scheduler_type="constant", seed=1, report_to=[], use_cpu=True, bf16=False, disable_tqdm=True,
    ),
    reward_funcs=reward_funcs,
    callbacks=[callback],
)
trainer.train()
print(callback.verdict()["verdict_text"])
print("page: watched/tailcatch/evidence.html")

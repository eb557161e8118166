"""The jobs beside which `tailcatch` reads Parquet, by pyarrow on one thread.

Usage: parquet.py write FILE ROWS   writes a log of so many rollouts (step, prompt, reward)
       parquet.py read FILE         reads its columns into memory
       parquet.py tail FILE         reads its rewards and steps, sorts the rewards and takes Hill's estimate from the top 5%
Needs pyarrow.
"""
import resource
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

STEP, GROUP, PROMPTS = 1024, 8, 1000


def write(file, rows):
    pa.set_cpu_count(1)
    row = pa.array(range(int(rows)))
    group = pc.divide(row, GROUP)
    number = pc.subtract(group, pc.multiply(pc.divide(group, PROMPTS), PROMPTS))
    prompt = pc.binary_join_element_wise("p", pc.cast(number, pa.string()), "")
    reward = pc.negate(pc.ln(pc.random(len(row), initializer=1)))
    pq.write_table(pa.table({"step": pc.divide(row, STEP), "prompt": prompt, "reward": reward}), file)


def read(file, columns=("step", "prompt", "reward")):
    return pq.read_table(file, columns=list(columns), use_threads=False)


def tail(file):
    rewards = read(file, ("step", "reward"))["reward"].combine_chunks()
    rewards = rewards.take(pc.array_sort_indices(rewards, order="descending"))
    k = len(rewards) // 20
    print(pc.mean(pc.ln(pc.divide(rewards[:k], rewards[k].as_py()))).as_py())


if __name__ == "__main__":
    {"write": write, "read": read, "tail": tail}[sys.argv[1]](*sys.argv[2:])

"""The job of detectors.rs by PyOD: fit on 10^5 rows of 8 columns, 1% of them planted, and score them.

Usage: detectors.py NAME [TIMES]; needs pyod, numpy, scipy, scikit-learn.
"""
import sys
import warnings

import numpy as np
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.mcd import MCD

warnings.filterwarnings("ignore")
ROWS, COLUMNS = 100_000, 8
DETECTORS = {"ecod": ECOD, "isolation_forest": IForest, "knn": KNN, "mcd": MCD}


def rows():
    draw = np.random.default_rng(1)
    mix = draw.standard_normal((COLUMNS, COLUMNS)) / np.sqrt(COLUMNS)
    table = draw.standard_normal((ROWS, COLUMNS)) @ mix + 0.3 * draw.standard_normal((ROWS, COLUMNS))
    table[::100] += 1.5 * draw.standard_t(2, (ROWS // 100, COLUMNS))
    return table


def main(name, times=1):
    table = rows()
    for _ in range(int(times)):
        print(DETECTORS[name]().fit(table).decision_scores_.sum())


if __name__ == "__main__":
    main(*sys.argv[1:])

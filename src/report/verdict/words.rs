//! What the words and numbers of the verdict mean, as its page says it.

/// The words of a cell: as in the tables, as on the page, and what each takes.
pub(super) const WORDS: [(&str, &str, &str); 8] = [
    (
        "holds",
        "holds",
        "at most 5% of the learned runs are harmed under the audit of the criterion, by the upper end of the interval (7 of 300 at most), \
         and more than 5% without it, by the lower end",
    ),
    (
        "little_harm",
        "little harm",
        "the same, and by its lower end the share without an audit is not above 5%: the criterion is met, with little to prevent",
    ),
    (
        "not_learned",
        "not learned",
        "of the runs that sample the exploit at most 5% learn it, by the upper end",
    ),
    (
        "fails",
        "fails",
        "more than 5% of the learned runs are harmed without an audit and under every auditor within the budget and that of the criterion, by the lower ends",
    ),
    (
        "refuted",
        "refuted",
        "the exploit is of T* or more, and more than half of the learned runs are harmed without an audit and under every auditor within the \
         budget and that of the criterion, by the lower ends",
    ),
    ("unresolved", "unresolved", "the ends of the intervals allow no other word"),
    (
        "void",
        "void",
        "the mean KL of the learned runs is off by more than 5%, or the placebo counts as harm; the numbers of the cell are not to be believed",
    ),
    (
        "insufficient",
        "insufficient",
        "fewer than 24 runs learned the exploit (72 are needed before a cell can hold)",
    ),
];

/// What brackets hold.
pub(super) const INTERVALS: &str =
    "Brackets hold exact two-sided 95% intervals of shares of runs (Clopper and Pearson).";

/// What was assumed.
pub(super) const ASSUMED: [&str; 9] = [
    "The objection: what is rare and yet drives the policy must be so large that whoever reads the largest rewards finds it before it does harm. \
     The audit of the criterion is just that: read every rollout whose reward enters the k highest so far, k such that at most a \
     thousandth of the rollouts is read; what is confirmed counts in no update, that of its own step included.",
    "A look is never wrong, costs the same for every rollout, and has its answer before the update. The delay of 20 steps beside it says what that is \
     worth.",
    "A confirmed exploit is one outcome, recognised at every later visit. Exploits of many outcomes are in the benchmark, not here.",
    "Harmed: what the mass on hacks costs in the run itself is at least max(10% of the clean twin's gain, .1 standard deviations of V) for \
     five steps. Learned: hacks supply at least half of the gain in proxy for five steps. Both are exact sums over the table.",
    "Harm needs mass. Within a KL of ε an exploit of mass q gets at most the p at which the KL of a coin with p to one with q is ε; where p times what \
     the exploit costs is below the threshold of harm, there is little harm whatever an audit does. On the standard map that is the whole of KL 0.03 \
     (p = 0.0092, a loss of 0.046).",
    "T* is the size at which an exploit of its mass supplies half of the proxy that the KL buys from normal utilities. Noise that is drawn anew at every visit \
     cannot be optimised, and does not enter it.",
    "The KL is held by projection: after each update ln(π/π₀) is scaled by the largest factor up to 1 that keeps the KL within its target. Trainers in use \
     hold it by a penalty.",
    "Learners are tables of outcomes, without generalisation, but for the spoke of strings. Nothing here can execute what training never sampled.",
    "Runs of a trainer share their draws over sizes, so that cells of the same KL are not independent. The intersection–union test does not need that; the \
     false discovery rate is kept under such dependence where it is positive.",
];
